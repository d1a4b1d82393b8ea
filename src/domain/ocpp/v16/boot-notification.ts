import type { Action } from '../action.js';
import { answered, statusOf } from '../answers.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';
import { timeText } from '../time.js';

/**
 * OCPP 1.6 section 4.2. Serial numbers and models are longer in the field than the schema allows: who says
 * vendor and model is admitted, since a charger whose boot is refused stays out of service.
 */
export const bootNotification: Action = {
  name: 'BootNotification',
  decode(payload, record) {
    const reading = new Reading();
    const vendor = reading.text(payload, 'chargePointVendor');
    const model = reading.text(payload, 'chargePointModel');
    if (!reading.has(payload, 'string', 'chargePointVendor', 'chargePointModel'))
      return meaningless('BootNotification', 'chargePointVendor or chargePointModel', reading);
    // The box' own number was deprecated in 1.6 (section 6.3) and is still the one that many send.
    const serial =
      reading.text(payload, 'chargePointSerialNumber') || reading.text(payload, 'chargeBoxSerialNumber');
    const firmware = reading.text(payload, 'firmwareVersion');
    const event = { vendor, model, serial, firmware, reason: '' };
    return decoded({ kind: 'boot', ...event, answered: statusOf(answered(record.answer)) ?? '' }, reading);
  },
  answer: (_payload, { receivedAt, heartbeatSeconds }) => ({
    result: { status: 'Accepted', currentTime: timeText(receivedAt), interval: heartbeatSeconds },
    decision: true,
  }),
};
