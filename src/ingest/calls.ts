/**
 * Our own CALLs to one charger. One is outstanding at a time (OCPP-J 1.6 section 4.1.1, and so 2.x),
 * the rest wait in order; the charger's CALLs cross ours freely.
 *
 *     queued ──> recording ──> written ──> answered
 *        └───────────┴──> not sent  └────> unanswered
 *
 * A CALL is in the log, confirmed, before its first byte is on the socket: nothing that a charger may have
 * done is missing from the log. The other way round a recorded CALL may never have left us; whoever asked
 * learns which it was:
 * - CALL_NOT_SENT: certainly not written; may be sent again.
 * - CALL_UNANSWERED: written, and no answer before the time was up or the charger went. Whether it was
 *   carried out is unknown; never repeated here.
 */
import { randomUUID } from 'node:crypto';
import type { CallError, CallResult } from '../domain/ocpp/frames.js';
import { WattstreamError } from '../platform/errors.js';

/** What the charger said. A CALLERROR is an answer too. */
export type ChargerAnswer = CallResult | CallError;

/** What a connection lends. */
export interface CallLine {
  /** Publishes the outgoing frame; resolves when it is confirmed. */
  record(text: string, action: string, messageId: string): Promise<unknown>;
  write(text: string): void;
}

/** Why a CALL came to nothing. */
export type CallFailureCause =
  /** Its time was up. */
  | 'overdue'
  /** The charger went away, or the gateway is being stopped. */
  | 'gone'
  /** It could not be recorded; `cause` says why. */
  | 'unrecorded';

/** CALL_NOT_SENT or CALL_UNANSWERED. */
export class CallFailure extends WattstreamError {
  constructor(
    code: 'CALL_NOT_SENT' | 'CALL_UNANSWERED',
    message: string,
    readonly why: CallFailureCause,
    options: { canRetry?: boolean; remedy?: string; cause?: unknown },
  ) {
    super(code, message, options);
  }
}

export type CallOutcome = 'answered' | 'refused' | 'not-sent' | 'unanswered' | 'unknown-answer';

export interface CallOptions {
  /** For the whole life of the CALL, waiting for its turn included. Default 30 s. */
  readonly timeoutMs?: number;
  /** At most 36 characters. Default: a random UUID. */
  readonly messageId?: string;
  /**
   * Called when its turn has come; it is not written before this has resolved (and its frame is confirmed), and not at
   * all when it rejects.
   */
  beforeWrite?(): Promise<unknown>;
}

interface Job {
  readonly messageId: string;
  readonly action: string;
  readonly text: string;
  readonly timer: NodeJS.Timeout;
  readonly beforeWrite: (() => Promise<unknown>) | undefined;
  readonly resolve: (answer: ChargerAnswer) => void;
  readonly reject: (error: CallFailure) => void;
  written: boolean;
}

export class Calls {
  private readonly waiting: Job[] = [];
  private current: Job | undefined;
  private closed = false;

  constructor(
    private readonly line: CallLine,
    private readonly count: (outcome: CallOutcome) => void,
  ) {}

  /** Resolves with the charger's answer; rejects with a CallFailure. */
  call(action: string, payload: object, options: CallOptions = {}): Promise<ChargerAnswer> {
    const messageId = options.messageId ?? randomUUID();
    const text = JSON.stringify([2, messageId, action, payload]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.overdue(job), options.timeoutMs ?? 30_000);
      const { beforeWrite } = options;
      const job: Job = { messageId, action, text, timer, beforeWrite, resolve, reject, written: false };
      if (this.closed) this.fail(job, 'gone', 'the charger is not connected');
      else {
        this.waiting.push(job);
        this.next();
      }
    });
  }

  /** The charger's answer, once it is in the log. False: nothing of ours waits for it (counted). */
  settle(answer: ChargerAnswer): boolean {
    const job = this.current;
    if (job === undefined || !job.written || job.messageId !== answer.messageId) {
      this.count('unknown-answer');
      return false;
    }
    clearTimeout(job.timer);
    this.count(answer.type === 'CallError' ? 'refused' : 'answered');
    job.resolve(answer);
    this.current = undefined;
    this.next();
    return true;
  }

  /** Nothing more is written. What is written already may still be answered. */
  refuse(why: string): void {
    this.closed = true;
    const left = this.waiting.splice(0);
    if (this.current?.written === false) {
      left.unshift(this.current);
      this.current = undefined;
    }
    for (const job of left) this.fail(job, 'gone', why);
  }

  /** The connection is gone: nothing more is written, and no answer will come. */
  close(): void {
    const left = this.current;
    this.closed = true;
    this.current = undefined;
    if (left !== undefined) this.fail(left, 'gone', 'the charger went away');
    this.refuse('the charger went away');
  }

  private next(): void {
    if (this.current !== undefined) return;
    const job = this.waiting.shift();
    if (job === undefined) return;
    this.current = job;
    const recorded = this.line.record(job.text, job.action, job.messageId);
    Promise.all([recorded, job.beforeWrite?.()]).then(
      () => {
        if (this.current !== job) return;
        job.written = true;
        this.line.write(job.text);
      },
      (error: unknown) => {
        if (this.current !== job) return;
        this.current = undefined;
        this.fail(job, 'unrecorded', 'it could not be recorded', error);
        this.next();
      },
    );
  }

  private overdue(job: Job): void {
    if (this.current === job) this.current = undefined;
    else this.waiting.splice(this.waiting.indexOf(job), 1);
    this.fail(job, 'overdue', 'its time was up');
    this.next();
  }

  private fail(job: Job, cause: CallFailureCause, why: string, error?: unknown): void {
    clearTimeout(job.timer);
    this.count(job.written ? 'unanswered' : 'not-sent');
    job.reject(
      job.written
        ? new CallFailure('CALL_UNANSWERED', `${job.action} was sent, and not answered: ${why}`, cause, {
            remedy: 'Whether the charger carried it out is unknown: ask it for its state before repeating.',
          })
        : new CallFailure('CALL_NOT_SENT', `${job.action} was not sent: ${why}`, cause, {
            canRetry: true,
            cause: error,
          }),
    );
  }
}
