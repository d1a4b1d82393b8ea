/** What a version's table knows of one action that chargers send. One action, one file. */
import type { TransactionNote, TransactionStart } from '../charging/active-transactions.js';
import type { Decoded, IdToken, Outlet } from '../charging/events.js';
import type { Judgement } from './judgement.js';
import type { Payload } from './payload.js';
import type { FrameRecord, Protocol } from './record.js';

export interface RespondContext {
  readonly chargePointId: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** Told to chargers in BootNotification. */
  readonly heartbeatSeconds: number;
  /** When this connection began, epoch milliseconds: what is older was kept offline (1.6 does not say). */
  readonly connectedAt: number;
  /** `at`: as of when it is judged. The receipt time, but for a start that was kept offline (`start-judgement.ts`). */
  authorize(token: string, at: number): Judgement;
  /** Whether the token is in another transaction as of this start. Absent: nobody keeps count. */
  isElsewhere?(start: TransactionStart): boolean;
}

export interface AnswerContext extends RespondContext {
  readonly messageId: string;
  readonly protocol: Protocol;
}

export interface Answer {
  /** Payload of the CALLRESULT, valid by the official schema. */
  readonly result: object;
  /** True when it decides something and therefore belongs into the record. */
  readonly decision?: boolean;
  /** A transaction that begins or ends, for whoever keeps count of who is in one. */
  readonly note?: TransactionNote;
}

/** What the registry is asked about a frame that carries a token or an EVSE. */
export interface Lookup {
  readonly outlet?: Outlet;
  readonly idToken?: IdToken;
  /** Epoch milliseconds: the event's own time where it is plausible, else the receipt time. */
  readonly at: number;
}

/** The parts of a record that a decoder may use. */
export type DecodeRecord = Pick<FrameRecord, 'chargePointId' | 'receivedAt' | 'messageId' | 'answer'>;

export interface Action {
  readonly name: string;
  /**
   * What the payload means for charging; absent when it means nothing. Never throws, whatever the payload.
   * The event is of kind `other` when something is missing that the meaning depends on.
   */
  decode?(payload: Payload, record: DecodeRecord): Decoded;
  /**
   * Called with valid payloads, and with invalid ones that `decode` could make sense of. `undefined`: valid
   * by the schema, and still of no use.
   */
  answer(payload: Payload, context: AnswerContext): Answer | undefined;
  lookup?(payload: Payload, receivedAt: number): Lookup;
}

const EMPTY: Answer = Object.freeze({ result: Object.freeze({}) });

/** An action whose answer is empty and whose frame means nothing for charging. */
export const acknowledged = (name: string): Action => ({ name, answer: () => EMPTY });

/** An action whose answer is a fixed status. */
export const answeredWith = (name: string, status: string): Action => {
  const answer: Answer = Object.freeze({ result: Object.freeze({ status }) });
  return { name, answer: () => answer };
};

export const tableOf = (...actions: Action[]): ReadonlyMap<string, Action> =>
  new Map(actions.map((action) => [action.name, action]));
