import type { Action } from '../action.js';
import { timeText } from '../time.js';

/** OCPP 1.6 section 4.6: chargers set their clock by the answer. */
export const heartbeat: Action = {
  name: 'Heartbeat',
  answer: (_payload, { receivedAt }) => ({ result: { currentTime: timeText(receivedAt) } }),
};
