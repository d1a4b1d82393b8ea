import { StatusNotificationRequest } from 'typed-ocpp/dist/ocpp20/schemas.js';
import type { Action } from '../action.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';
import { outletOf } from './outlet.js';

const STATUSES = new Set<string>(StatusNotificationRequest.definitions.ConnectorStatusEnumType.enum);

/** OCPP 2.0.1 use case G01. Some stations leave the timestamp out: then the receipt time stands. */
export const statusNotification: Action = {
  name: 'StatusNotification',
  decode(payload) {
    const reading = new Reading();
    const outlet = outletOf(payload, 'evseId', reading);
    const status = reading.text(payload, 'connectorStatus');
    const at = reading.time(payload, 'timestamp');
    if (!reading.has(payload, 'number', 'evseId') || outlet === undefined)
      return meaningless('StatusNotification', 'evseId', reading);
    if (!STATUSES.has(status))
      return meaningless('StatusNotification', `connectorStatus (${status})`, reading);
    if (payload.timestamp === undefined) reading.missing('timestamp');
    const nothing = { errorCode: '', vendorCode: '', info: '' };
    return decoded({ kind: 'status', outlet, status, ...nothing, at }, reading);
  },
  answer: () => ({ result: {} }),
  lookup: (payload, receivedAt) => ({ outlet: outletOf(payload, 'evseId', new Reading()), at: receivedAt }),
};
