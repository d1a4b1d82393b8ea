import type { Action } from '../action.js';
import { timeText } from '../time.js';

/** OCPP 2.0.1 use case G02: stations set their clock by the answer. */
export const heartbeat: Action = {
  name: 'Heartbeat',
  answer: (_payload, { receivedAt }) => ({ result: { currentTime: timeText(receivedAt) } }),
};
