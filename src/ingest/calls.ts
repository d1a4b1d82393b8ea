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

export type CallOutcome = 'answered' | 'refused' | 'not-sent' | 'unanswered' | 'unknown-answer';

export interface CallOptions {
  /** For the whole life of the CALL, waiting for its turn included. Default 30 s. */
  readonly timeoutMs?: number;
  /** At most 36 characters. Default: a random UUID. */
  readonly messageId?: string;
}

interface Job {
  readonly messageId: string;
  readonly action: string;
  readonly text: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: ChargerAnswer) => void;
  readonly reject: (error: WattstreamError) => void;
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

  /** Resolves with the charger's answer; rejects with CALL_NOT_SENT or CALL_UNANSWERED. */
  call(action: string, payload: object, options: CallOptions = {}): Promise<ChargerAnswer> {
    const messageId = options.messageId ?? randomUUID();
    const text = JSON.stringify([2, messageId, action, payload]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.overdue(job), options.timeoutMs ?? 30_000);
      const job: Job = { messageId, action, text, timer, resolve, reject, written: false };
      if (this.closed) this.fail(job, 'the charger is not connected');
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

  /** The connection is gone: nothing more is written. */
  close(): void {
    this.closed = true;
    const left = this.current === undefined ? this.waiting : [this.current, ...this.waiting];
    this.current = undefined;
    for (const job of left.splice(0)) this.fail(job, 'the charger went away');
    this.waiting.length = 0;
  }

  private next(): void {
    if (this.current !== undefined) return;
    const job = this.waiting.shift();
    if (job === undefined) return;
    this.current = job;
    this.line.record(job.text, job.action, job.messageId).then(
      () => {
        if (this.current !== job) return;
        job.written = true;
        this.line.write(job.text);
      },
      (error: unknown) => {
        if (this.current !== job) return;
        this.current = undefined;
        this.fail(job, 'it could not be recorded', error);
        this.next();
      },
    );
  }

  private overdue(job: Job): void {
    if (this.current === job) this.current = undefined;
    else this.waiting.splice(this.waiting.indexOf(job), 1);
    this.fail(job, 'its time was up');
    this.next();
  }

  private fail(job: Job, why: string, cause?: unknown): void {
    clearTimeout(job.timer);
    this.count(job.written ? 'unanswered' : 'not-sent');
    job.reject(
      job.written
        ? new WattstreamError('CALL_UNANSWERED', `${job.action} was sent, and not answered: ${why}`, {
            remedy: 'Whether the charger carried it out is unknown: ask it for its state before repeating.',
          })
        : new WattstreamError('CALL_NOT_SENT', `${job.action} was not sent: ${why}`, {
            canRetry: true,
            cause,
          }),
    );
  }
}
