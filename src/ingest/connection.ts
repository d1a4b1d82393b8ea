/**
 * One charger's connection.
 *
 *     open ──drain()──> draining ──last answer given──> closed
 *       └──────────────────┴── close(), socket gone ──────^
 *
 * - open: texts are taken one after the other: respond -> publish -> confirm -> answer. A charger that sends
 *   several CALLs without waiting has them published at once and answered in their order: an answer waits
 *   until its own frame AND all before it are confirmed.
 * - draining: nothing more is read; what was read is confirmed and answered, then the socket closes (1001).
 * - closed: what still arrives on the socket is ignored, unanswered: the charger sends it again. Frames whose
 *   confirm arrives now are simply in the log; an answer to a CALL of ours that was read before counts with its
 *   confirm (a charger that was given a new key answers, and goes to come again with it). `Disconnected` was published at this crossing, so it lies after
 *   every frame of this connection, and before `Connected` of the one that replaces it.
 *
 * Reading is held (never dropped) for any of the causes in `Hold`; it goes on when the last one is gone.
 */
import type { RawData, WebSocket } from 'ws';
import type { ActiveTransactions, TransactionNote } from '../domain/charging/active-transactions.js';
import type { Lookup, RespondContext } from '../domain/ocpp/action.js';
import type { Judgement } from '../domain/ocpp/judgement.js';
import type { ConnectedBody, DisconnectedBody, FrameRecord, Protocol } from '../domain/ocpp/record.js';
import type { ResponseRecord, respond } from '../domain/ocpp/respond.js';
import { carriesSignedData } from '../domain/ocpp/samples.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { Enrichment, SecurityProfile } from '../registry/ports.js';
import type { FramePublisher } from '../streams/ports.js';
import { staggeredSeconds } from './admission.js';
import { type CallOptions, Calls, type ChargerAnswer } from './calls.js';
import type { HoldCause, IngestMetrics } from './metrics.js';
import { TokenBucket } from './token-bucket.js';

/** Close codes (RFC 6455 section 7.4; 4000 and above are the application's own). */
export const CLOSE = {
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  abnormal: 1006,
  policy: 1008,
  tooBig: 1009,
  defect: 1011,
  tryLater: 1013,
  replaced: 4001,
} as const;

/** Why reading is held. */
const Hold = {
  /** The publisher holds as many unconfirmed records as it may. */
  full: 1,
  /** The charger sends faster than its rate. */
  rate: 2,
  /** So many of its frames wait for their confirm. */
  window: 4,
  /** It does not read our answers. */
  slow: 8,
  draining: 16,
} as const satisfies Record<HoldCause, number>;

/** Unanswered frames of one charger; more are left in the kernel's buffers. */
const WINDOW = 64;
/** Bytes of answers a charger may leave unread. */
const UNREAD_BYTES = 1 << 20;
/** Unreadable texts in a row after which there is no point in going on. */
const UNREADABLE_IN_A_ROW = 10;
/** Pings in a row without any sign of life. */
const MISSED_PINGS = 2;

export interface Clock {
  /** Epoch milliseconds: what is written into records. */
  now(): number;
  /** Monotonic milliseconds: what durations are measured with. */
  monotonic(): number;
}

/** What all connections of a gateway share. */
export interface ConnectionContext {
  readonly publisher: FramePublisher;
  readonly respond: typeof respond;
  authorize(token: string, at: number): Judgement;
  /** Who is in a transaction. */
  readonly transactions: Pick<ActiveTransactions, 'isElsewhere' | 'note'>;
  /** `signed`: the frame carries signed meter data. */
  enrich(chargePointId: string, lookup: Lookup, signed: boolean): Enrichment;
  /** Secrets out, for frames of ours (what `respond` hands over is redacted already). */
  redact(text: string): string;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly gateway: string;
  readonly messagesPerSecond: number;
  readonly pingMs: number;
  readonly heartbeatSeconds: number;
  /** This connection takes no more frames. Called once, right after its `Disconnected` was published. */
  ended(connection: Connection): void;
}

export interface Admitted {
  readonly chargePointId: string;
  readonly connection: string;
  readonly protocol: Protocol;
  readonly address: string;
  readonly securityProfile: SecurityProfile;
  /** Names the key it came with (`nameOfKey`). */
  readonly keyName?: string | undefined;
}

/** A text that waits for its turn to be answered. */
interface Pending {
  confirmed: boolean;
  readonly reply: string | undefined;
  /** Its answer to a CALL of ours. */
  readonly answer: ChargerAnswer | undefined;
}

export class Connection {
  readonly id: string;
  readonly chargePointId: string;
  readonly protocol: Protocol;
  /** When it came, epoch milliseconds by this gateway's clock. */
  readonly since: number;
  readonly keyName: string | undefined;
  private state: 'open' | 'draining' | 'closed' = 'open';
  private seq = 0;
  private readonly pending: Pending[] = [];
  /** Its answers that were read before the end, and whose confirm is still to come. */
  private readonly lastWords = new Set<Pending>();
  private holds = 0;
  private unreadable = 0;
  private heard = true;
  private missedPings = 0;
  private nextPing: number;
  private receivedAt = 0;
  private readonly rate: TokenBucket;
  private readonly calls: Calls;
  /** One for all texts: `respond` is synchronous and keeps nothing. */
  private readonly asking: RespondContext;
  /** Resolves when the socket is gone. */
  readonly gone: Promise<void>;

  constructor(
    private readonly socket: WebSocket,
    admitted: Admitted,
    private readonly context: ConnectionContext,
  ) {
    this.id = admitted.connection;
    this.chargePointId = admitted.chargePointId;
    this.protocol = admitted.protocol;
    this.keyName = admitted.keyName;
    const { clock, messagesPerSecond, pingMs } = context;
    this.since = clock.now();
    this.nextPing = clock.monotonic() + pingMs;
    this.rate = new TokenBucket(messagesPerSecond, messagesPerSecond);
    this.calls = new Calls(
      {
        record: (text, action, messageId) =>
          this.publish({ body: context.redact(text), subject: action, messageId }, 'out', clock.now()),
        write: (text) => socket.send(text),
      },
      (outcome) => context.metrics.calls.add(outcome),
    );
    const self = this;
    this.asking = {
      chargePointId: this.chargePointId,
      connectedAt: this.since,
      heartbeatSeconds: staggeredSeconds(context.heartbeatSeconds, this.chargePointId),
      get receivedAt() {
        return self.receivedAt;
      },
      authorize: context.authorize,
      isElsewhere: (start) => context.transactions.isElsewhere(start),
    };
    const body: ConnectedBody = {
      address: admitted.address,
      protocol: admitted.protocol,
      securityProfile: admitted.securityProfile,
    };
    this.fact('Connected', body);
    this.gone = new Promise((resolve) => socket.once('close', () => resolve()));
    this.listen();
  }

  /** Resolves with the charger's answer; rejects with a CallFailure (see calls.ts). */
  call(action: string, payload: object, options?: CallOptions): Promise<ChargerAnswer> {
    return this.calls.call(action, payload, options);
  }

  hold(cause: HoldCause): void {
    if (this.state === 'closed' || (this.holds & Hold[cause]) !== 0) return;
    this.context.metrics.pauses.add(cause);
    if (this.holds === 0) this.socket.pause();
    this.holds |= Hold[cause];
  }

  release(cause: HoldCause): void {
    if ((this.holds & Hold[cause]) === 0) return;
    this.holds &= ~Hold[cause];
    if (this.holds === 0) this.socket.resume();
  }

  /**
   * The end by our decision. Reading goes on underneath, for the peer's half of the closing handshake (and,
   * after ws' closeTimeout, the socket is cut).
   */
  close(code: number, reason: string): void {
    this.end(code, reason);
    this.socket.resume();
    this.socket.close(code, reason);
  }

  /** Answers what was read, then closes (1001). Resolves when the socket is gone. */
  drain(): Promise<void> {
    if (this.state === 'open') {
      this.hold('draining');
      this.state = 'draining';
      // Its answer would not be read any more.
      this.calls.refuse('the gateway is being stopped');
      this.leaveIfDrained();
    }
    return this.gone;
  }

  /** The socket is destroyed without a closing handshake. */
  private terminate(reason: string): void {
    this.end(CLOSE.abnormal, reason);
    this.socket.terminate();
  }

  /** The socket is destroyed; the connection must be closed already. */
  cut(): void {
    this.socket.terminate();
  }

  /** Regular care; called about once a second. */
  tick(now: number): void {
    if (this.state === 'closed') return;
    if ((this.holds & Hold.slow) !== 0 && this.socket.bufferedAmount < UNREAD_BYTES / 2) this.release('slow');
    if (now < this.nextPing) return;
    this.nextPing = now + this.context.pingMs;
    // Who is held by us cannot be heard; who does not read our answers is held by its own doing.
    const deafByChoice = (this.holds & ~Hold.slow) !== 0;
    if (this.heard || deafByChoice) this.missedPings = 0;
    else if (++this.missedPings >= MISSED_PINGS) {
      this.terminate('no answer to two pings');
      return;
    }
    this.heard = false;
    this.socket.ping();
  }

  private listen(): void {
    const { socket } = this;
    socket.on('message', (data, isBinary) => this.onMessage(data, isBinary));
    socket.on('pong', () => {
      this.heard = true;
    });
    socket.on('ping', () => {
      this.heard = true;
      this.charge();
    });
    socket.on('error', (error) => this.onError(error));
    socket.on('close', (code, reason) => this.end(code, reason.toString()));
  }

  private onMessage(data: RawData, isBinary: boolean): void {
    if (this.state === 'closed') return;
    this.heard = true;
    if (isBinary) {
      this.context.metrics.frames.add('binary');
      this.close(CLOSE.unsupportedData, 'OCPP-J frames are text');
      return;
    }
    this.charge();
    this.receivedAt = this.context.clock.now();
    // ws hands over one Buffer unless told otherwise by `binaryType`.
    const text = (data as Buffer).toString();
    try {
      this.take(text);
    } catch (error) {
      this.context.metrics.frames.add('defect');
      this.context.log.error(
        {
          code: 'FRAME_DEFECT',
          chargePointId: this.chargePointId,
          connection: this.id,
          error: messageOf(error),
        },
        'a frame could not be judged; its connection is closed, unanswered',
      );
      this.close(CLOSE.defect, 'internal error');
    }
  }

  private take(text: string): void {
    const { context } = this;
    const { outcome, record, reply, lookup, frame, note } = context.respond(text, this.protocol, this.asking);
    context.metrics.frames.add(outcome);
    if (note !== undefined) this.note(note);
    if (record === undefined) {
      this.onUnreadable(reply);
      return;
    }
    this.unreadable = 0;
    const pending: Pending = { confirmed: false, reply, answer: frame };
    this.pending.push(pending);
    if (this.pending.length >= WINDOW) this.hold('window');
    const since = context.clock.monotonic();
    this.publish(record, 'in', this.receivedAt, lookup).then(
      () => {
        context.metrics.confirmed(context.clock.monotonic() - since);
        pending.confirmed = true;
        if (this.lastWords.delete(pending)) this.heardLast(pending);
        else this.answerInOrder();
      },
      (error: unknown) => {
        this.onUnkept(error);
        if (this.lastWords.delete(pending)) this.heardLast();
      },
    );
  }

  /** Before the confirm: the next start may come before it. If this one is not kept, the charger comes again with it. */
  private note(note: TransactionNote): void {
    this.context.transactions.note(note);
    if (note.is === 'begun') this.context.metrics.starts.add(note.accepted ? 'Accepted' : 'ConcurrentTx');
  }

  /** Nothing to keep; what can be answered (2.x, message id "-1") still waits for its turn. */
  private onUnreadable(reply: string | undefined): void {
    if (reply !== undefined) {
      this.pending.push({ confirmed: true, reply, answer: undefined });
      this.answerInOrder();
    }
    if (++this.unreadable >= UNREADABLE_IN_A_ROW)
      this.close(CLOSE.policy, `${UNREADABLE_IN_A_ROW} unreadable frames in a row`);
  }

  private answerInOrder(): void {
    if (this.state === 'closed') return;
    let answered = 0;
    for (const pending of this.pending) {
      if (!pending.confirmed) break;
      answered++;
      if (pending.reply !== undefined) this.socket.send(pending.reply);
      if (pending.answer !== undefined) this.calls.settle(pending.answer);
    }
    this.pending.splice(0, answered);
    if ((this.holds & Hold.window) !== 0 && this.pending.length <= WINDOW / 2) this.release('window');
    if (this.socket.bufferedAmount > UNREAD_BYTES) this.hold('slow');
    this.leaveIfDrained();
  }

  /** An answer that was read before the end, when it is kept; without one: it could not be. */
  private heardLast(pending?: Pending): void {
    if (pending?.answer !== undefined) this.calls.settle(pending.answer);
    if (this.lastWords.size === 0) this.calls.close();
  }

  private leaveIfDrained(): void {
    if (this.state === 'draining' && this.pending.length === 0)
      this.close(CLOSE.goingAway, 'the gateway is being stopped');
  }

  /** A frame that is not in the log is not answered; the charger keeps it and comes again. */
  private onUnkept(error: unknown): void {
    if (this.state === 'closed') return;
    const tooLarge = error instanceof WattstreamError && error.code === 'RECORD_TOO_LARGE';
    this.context.log.warn(
      { chargePointId: this.chargePointId, connection: this.id, error: messageOf(error) },
      'a frame could not be kept',
    );
    if (tooLarge) this.close(CLOSE.tooBig, 'the frame is too large to be kept');
    else this.close(CLOSE.tryLater, 'frames cannot be kept at the moment');
  }

  /** Receiver errors of ws carry the close code it has already sent. */
  private onError(error: Error & { code?: string }): void {
    const code =
      error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
        ? CLOSE.tooBig
        : error.code === 'WS_ERR_INVALID_UTF8'
          ? 1007
          : error.code?.startsWith('WS_ERR_')
            ? CLOSE.protocolError
            : CLOSE.abnormal;
    this.end(code, messageOf(error));
  }

  private end(code: number, reason: string): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    const answers = this.pending.filter(({ answer }) => answer !== undefined);
    this.pending.length = 0;
    this.context.metrics.disconnects.add(String(code));
    const body: DisconnectedBody = { code, reason };
    this.fact('Disconnected', body);
    this.calls.refuse('the charger went away');
    for (const answer of answers) if (!answer.confirmed) this.lastWords.add(answer);
    for (const answer of answers) if (answer.confirmed) this.heardLast(answer);
    if (this.lastWords.size === 0) this.calls.close();
    this.context.ended(this);
  }

  /** Each message costs a token; in debt, reading is held until it is paid. */
  private charge(): void {
    const wait = this.rate.take(this.context.clock.monotonic());
    if (wait === 0 || (this.holds & Hold.rate) !== 0) return;
    this.hold('rate');
    setTimeout(() => this.release('rate'), wait).unref();
  }

  private fact(subject: 'Connected' | 'Disconnected', body: ConnectedBody | DisconnectedBody): void {
    this.publish({ body: JSON.stringify(body), subject }, 'in', this.context.clock.now()).catch(
      (error: unknown) => {
        // Only when the publisher was closed before: the next connection, or the missing liveness, tells readers.
        this.context.log.warn({ connection: this.id, subject, error: messageOf(error) }, 'was not recorded');
      },
    );
  }

  private publish(
    frame: ResponseRecord,
    direction: FrameRecord['direction'],
    receivedAt: number,
    lookup?: Lookup,
  ): Promise<unknown> {
    const record: FrameRecord = {
      body: frame.body,
      subject: frame.subject,
      chargePointId: this.chargePointId,
      messageId: frame.messageId,
      receivedAt,
      protocol: this.protocol,
      direction,
      gateway: this.context.gateway,
      connection: this.id,
      seq: ++this.seq,
      answer: frame.answer,
    };
    if (lookup === undefined) return this.context.publisher.publishOCPPMessage(record);
    const known = this.context.enrich(this.chargePointId, lookup, carriesSignedData(frame.body));
    return this.context.publisher.publishOCPPMessage({ ...record, ...known });
  }
}
