import type { Payload } from './call.js';
import type { Device, Refusal } from './dialect.js';

/** Actions and how they are replied to; `undefined`: known, but not supported. */
export type ReplyTable = Record<string, ((payload: Payload, device: Device) => Payload) | undefined>;

export function replyFrom(
  table: ReplyTable,
  action: string,
  payload: Payload,
  device: Device,
): Payload | Refusal {
  if (!Object.hasOwn(table, action)) return 'NotImplemented';
  const answer = table[action];
  if (answer === undefined) return 'NotSupported';
  try {
    return answer(payload, device);
  } catch {
    // A field is missing or of another kind than the schema says; a charger does not fall over that.
    return 'GenericError';
  }
}
