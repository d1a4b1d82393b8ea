/**
 * What a server owes a text, read from the specifications a second time and from nothing else (OCPP-J 1.6
 * section 4; OCPP 2.x Part 4, section 4): under which message id it must be answered, if at all.
 */
import type { Protocol } from '../domain/ocpp/record.js';

export interface Owed {
  /** Ids under which the answer may come; empty = no answer may come. */
  readonly ids: readonly string[];
  /** It is no frame at all: so many of them in a row, and the server may hang up. */
  readonly unreadable: boolean;
  /** Of a CALL whose action is a text. */
  readonly action?: string;
}

const CALL = 2;
const ANSWERS = [3, 4];
/** 2.1 only: CALLRESULTERROR and SEND, neither of which is answered. */
const NEW_IN_21 = [5, 6];
/** What an id that could not be read is answered under (2.x); also one that is too long to be repeated. */
const UNREAD = '-1';
const REPEATABLE = 255;

export function owed(text: string, protocol: Protocol): Owed {
  const unknownId = protocol === 'ocpp1.6' ? [] : [UNREAD];
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return { ids: unknownId, unreadable: true };
  }
  if (!Array.isArray(frame) || typeof frame[0] !== 'number') return { ids: unknownId, unreadable: true };
  const [type, id, action] = frame as unknown[];
  const readable = typeof id === 'string' && id !== '';
  const repeated = !readable ? unknownId : id.length > REPEATABLE ? [id, UNREAD] : [id];
  if (type === CALL)
    return { ids: repeated, unreadable: false, ...(typeof action === 'string' ? { action } : {}) };
  const known =
    ANSWERS.includes(type as number) || (protocol === 'ocpp2.1' && NEW_IN_21.includes(type as number));
  // An unknown type is answered by 2.0.1, ignored by 1.6 and by 2.1.
  return { ids: known || protocol !== 'ocpp2.0.1' ? [] : repeated, unreadable: false };
}
