/** The tables of actions, by version: what a charger may send, how it is read, how it is answered. */
import type { Action } from './action.js';
import type { Protocol } from './record.js';
import { actions16 } from './v16/actions.js';
import { actions21 } from './v21/actions.js';
import { actions201 } from './v201/actions.js';

export const versions: Record<Protocol, ReadonlyMap<string, Action>> = {
  'ocpp1.6': actions16,
  'ocpp2.0.1': actions201,
  'ocpp2.1': actions21,
};
