import type { Action } from '../action.js';
import { answered, statusOf } from '../answers.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';
import { timeText } from '../time.js';

/** OCPP 2.0.1 use case B01. Who says vendor and model is admitted (see the 1.6 one for why). */
export const bootNotification: Action = {
  name: 'BootNotification',
  decode(payload, record) {
    const reading = new Reading();
    const station = reading.object(payload, 'chargingStation');
    if (!reading.has(station, 'string', 'vendorName', 'model'))
      return meaningless('BootNotification', 'vendorName or model', reading);
    return decoded(
      {
        kind: 'boot',
        vendor: reading.text(station, 'vendorName'),
        model: reading.text(station, 'model'),
        serial: reading.text(station, 'serialNumber'),
        firmware: reading.text(station, 'firmwareVersion'),
        reason: reading.text(payload, 'reason'),
        answered: statusOf(answered(record.answer)) ?? '',
      },
      reading,
    );
  },
  answer: (_payload, { receivedAt, heartbeatSeconds }) => ({
    result: { status: 'Accepted', currentTime: timeText(receivedAt), interval: heartbeatSeconds },
    decision: true,
  }),
};
