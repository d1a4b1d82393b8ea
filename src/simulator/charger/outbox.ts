import type { Protocol } from '../../domain/ocpp/record.js';
import type { Ledger, LedgerFrame } from '../ledger.js';
import type { Call, Payload } from './call.js';
import { callText } from './link.js';

/** How often, and how, a transaction frame is repeated although it was answered: a field defect, on purpose. */
export interface Repetition {
  readonly times: number;
  /** `same` message id, so the same text again; or a `fresh` one around the same payload. */
  readonly id: 'same' | 'fresh';
}

export interface OutboxOptions {
  readonly chargePointId: string;
  readonly protocol: Protocol;
  readonly ledger: Ledger;
  readonly newId: () => string;
  readonly transmit: (text: string, durable: boolean) => void;
  /** TransactionMessageAttempts / MessageAttempts. */
  readonly attempts: () => number;
  /** TransactionMessageRetryInterval / MessageAttemptInterval, milliseconds; times the attempts made. */
  readonly retryMs: () => number;
  /** Calls back after so much of the charger's own time. */
  readonly later: (ms: number, run: () => void) => void;
  readonly repetition: () => Repetition;
  /** Nothing is on the wire and nothing can be sent now. */
  readonly idle: () => void;
  /** A CALLRESULT came, this many real milliseconds after its CALL. */
  readonly timed: (ms: number) => void;
}

interface Waiting {
  readonly call: Call;
  payload: Payload | undefined;
  frame: LedgerFrame | undefined;
  failures: number;
  repeats: Repetition | undefined;
  repeatsLeft: number;
}

/**
 * What a charger still has to say, in order, one CALL at a time.
 *
 * States: *shut* (no connection, or not accepted at boot: only an urgent CALL leaves), *ready*, *waiting for an
 * answer*, *waiting to retry* (after a CALLERROR; later frames wait too, since order matters more than haste).
 * - CALLRESULT: the frame is done, and is repeated if its repetition says so.
 * - CALLERROR: for a durable frame a failed attempt; after the last one it is discarded.
 * - Connection lost: a durable frame on the wire stays at the head, with its text and id, and goes out again
 *   after the reconnect; silence is no failed attempt. Everything else is forgotten.
 */
export class Outbox {
  private queue: Waiting[] = [];
  private onWire: Waiting | undefined;
  private urgent: Waiting | undefined;
  private open = false;
  private retrying = false;
  private sentAt = 0;

  constructor(private readonly options: OutboxOptions) {}

  /** Something is on the wire or about to be. */
  get busy(): boolean {
    return this.onWire !== undefined || (this.open && !this.retrying && this.queue.length > 0);
  }

  get empty(): boolean {
    return this.queue.length === 0 && this.onWire === undefined;
  }

  /** `performance.now()` of the transmission that waits for its answer. */
  get waitingSince(): number | undefined {
    return this.onWire === undefined ? undefined : this.sentAt;
  }

  /** Durable frames not yet delivered, of this transaction or (undefined) of any. */
  holds(transactionId: string | undefined): boolean {
    return this.queue.some(
      ({ call }) =>
        call.durable && (transactionId === undefined || call.session?.transactionId === transactionId),
    );
  }

  push(call: Call): void {
    if (!call.durable && !this.open) return;
    this.queue.push(waiting(call));
    this.pump();
  }

  /** Before everything else, and also while shut: BootNotification. */
  pushUrgent(call: Call): void {
    this.urgent = waiting(call);
    this.pump();
  }

  /** The connection carries CALLs now. `first` goes out before what was kept. */
  opened(first: readonly Call[]): void {
    this.open = true;
    this.queue.unshift(...first.map(waiting));
    this.pump();
  }

  closed(): void {
    this.open = false;
    this.onWire = undefined;
    this.urgent = undefined;
    this.queue = this.queue.filter(({ call }) => call.durable);
  }

  answered(messageId: string, payload: Payload, text: string): void {
    const entry = this.taken(messageId);
    if (entry === undefined) return;
    const { ledger, timed } = this.options;
    timed(performance.now() - this.sentAt);
    ledger.counts.answered++;
    entry.frame!.answers.push(text);
    entry.call.session?.answered.push(messageId);
    // Off the queue first, then told: whoever is told may push, and what it learned counts for the next frame.
    if (entry.repeatsLeft > 0) {
      entry.repeatsLeft--;
      if (entry.repeats!.id === 'fresh') entry.frame = undefined;
    } else {
      this.done(entry);
    }
    entry.call.answered?.(payload);
    this.pump();
  }

  refused(messageId: string, code: string, text: string): void {
    const entry = this.taken(messageId);
    if (entry === undefined) return;
    const { ledger, attempts, retryMs, later } = this.options;
    ledger.counts.callErrors++;
    entry.frame!.errors.push(text);
    if (!entry.call.durable) {
      this.done(entry);
      entry.call.refused?.(code);
    } else if (++entry.failures >= attempts()) {
      ledger.counts.discarded++;
      entry.frame!.discarded = true;
      entry.call.session?.discarded.push(messageId);
      this.done(entry);
    } else {
      this.retrying = true;
      later(retryMs() * entry.failures, () => {
        this.retrying = false;
        this.pump();
      });
    }
    this.pump();
  }

  private taken(messageId: string): Waiting | undefined {
    const entry = this.onWire;
    if (entry?.frame?.messageId !== messageId) return undefined;
    this.onWire = undefined;
    return entry;
  }

  private done(entry: Waiting): void {
    if (entry === this.urgent) this.urgent = undefined;
    else this.queue.shift();
    if (entry.call.last && entry.call.session) this.options.ledger.closed(entry.call.session);
  }

  private pump(): void {
    if (this.onWire !== undefined) return;
    const entry = this.urgent ?? (this.open && !this.retrying ? this.queue[0] : undefined);
    if (entry === undefined) {
      this.options.idle();
      return;
    }
    const { chargePointId, protocol, ledger, newId, transmit } = this.options;
    const { call } = entry;
    if (entry.frame === undefined) {
      entry.payload ??= call.payload();
      const messageId = newId();
      entry.frame = ledger.framed({
        chargePointId,
        protocol,
        messageId,
        action: call.action,
        text: callText(messageId, call.action, entry.payload),
        transmissions: 0,
        answers: [],
        errors: [],
        discarded: false,
      });
    }
    if (call.durable && entry.repeats === undefined) {
      entry.repeats = this.options.repetition();
      entry.repeatsLeft = entry.repeats.times;
    }
    if (entry.frame.transmissions++ > 0) ledger.counts.resent++;
    ledger.counts.sent++;
    call.session?.sent.push(entry.frame.messageId);
    this.onWire = entry;
    this.sentAt = performance.now();
    transmit(entry.frame.text, call.durable);
  }
}

const waiting = (call: Call): Waiting => ({
  call,
  payload: undefined,
  frame: undefined,
  failures: 0,
  repeats: undefined,
  repeatsLeft: 0,
});
