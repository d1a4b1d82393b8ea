import { StatusNotificationRequest } from 'typed-ocpp/dist/ocpp16/schemas.js';
import type { Action } from '../action.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';

const STATUSES = new Set<string>(StatusNotificationRequest.properties.status.enum);

/** OCPP 1.6 section 4.9. Connector 0 is the charge point itself. The timestamp is optional. */
export const statusNotification: Action = {
  name: 'StatusNotification',
  decode(payload) {
    const reading = new Reading();
    const connectorId = reading.integer(payload, 'connectorId');
    const status = reading.text(payload, 'status');
    if (!reading.has(payload, 'number', 'connectorId') || !(connectorId >= 0))
      return meaningless('StatusNotification', 'connectorId', reading);
    if (!STATUSES.has(status)) return meaningless('StatusNotification', `status (${status})`, reading);
    return decoded(
      {
        kind: 'status',
        outlet: { connectorId },
        status,
        errorCode: reading.text(payload, 'errorCode'),
        vendorCode: reading.text(payload, 'vendorErrorCode'),
        info: reading.text(payload, 'info'),
        at: reading.time(payload, 'timestamp'),
      },
      reading,
    );
  },
  answer: () => ({ result: {} }),
  lookup(payload, receivedAt) {
    const connectorId = new Reading().integer(payload, 'connectorId');
    return { outlet: Number.isNaN(connectorId) ? undefined : { connectorId }, at: receivedAt };
  },
};
