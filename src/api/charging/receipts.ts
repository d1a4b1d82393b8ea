/**
 * Receipts, made out once: the first time that somebody asks for one it goes into the log of events, whole, and from then
 * on it is that one, whichever process is asked, whatever the station is called by then. Should what was charged turn out
 * to be something else (a frame that came days late), the next one corrects it, and says so.
 *
 * Whose it is stands in it by the account's id alone: the log and the tables keep it for as long as the law wants it, and a
 * name that stood there could not be erased. The name is added from the registry each time that it is shown.
 *
 * Of several that are made out at once under one number the first in the log is the receipt; the others are dropped.
 */
import { correctionOf, isSameReceipt, type Receipt } from '../../domain/customers/receipt.js';
import { WattstreamError } from '../../platform/errors.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { CommandClock } from '../commands/ports.js';
import type { ChargingBook } from './book.js';
import type { ChargingHistory } from './ports.js';
import type { SessionDesk } from './sessions.js';

const PATIENCE_MS = 10_000;
/** Each time round another process was first with other facts. */
const ROUNDS = 5;

export interface ReceiptDeskOptions {
  readonly sessions: Pick<SessionDesk, 'receipt'>;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly book: Pick<ChargingBook, 'receiptsOf' | 'untilReceipt'>;
  readonly history: Pick<ChargingHistory, 'receipts'>;
  /** Of an account, now; null: it was erased, or cannot be read any more. */
  readonly nameOf: (accountId: string) => Promise<string | null>;
  readonly clock: CommandClock;
}

export class ReceiptDesk {
  constructor(private readonly options: ReceiptDeskOptions) {}

  /** Rejects as `SessionDesk.receipt` does, and with RECEIPT_PENDING when the log cannot be written or read now. */
  async receipt(accountId: string, sessionId: string): Promise<Receipt> {
    const made = await this.madeOut(accountId, sessionId);
    // Those of before 2026-11-26 have a name in them.
    return { ...made, customer: { accountId, name: await this.options.nameOf(accountId) } };
  }

  private async madeOut(accountId: string, sessionId: string): Promise<Receipt> {
    const { sessions, book } = this.options;
    const computed = await sessions.receipt(accountId, sessionId);
    for (let round = 0; round < ROUNDS; round++) {
      const before = await this.before(sessionId);
      const newest = before.at(-1);
      if (newest !== undefined && isSameReceipt(newest, computed)) return newest;
      const next = newest === undefined ? computed : correctionOf(computed, before);
      this.makeOut(next);
      const made = await book.untilReceipt(sessionId, next.number, PATIENCE_MS);
      if (made === undefined) break;
      if (isSameReceipt(made, computed)) return made;
    }
    throw new WattstreamError('RECEIPT_PENDING', 'The receipt could not be put on record now.', {
      canRetry: true,
    });
  }

  private async before(sessionId: string): Promise<Receipt[]> {
    const { book, history } = this.options;
    const known = new Map((await history.receipts(sessionId)).map((one) => [one.number, one]));
    for (const one of book.receiptsOf(sessionId)) if (!known.has(one.number)) known.set(one.number, one);
    return [...known.values()];
  }

  /** What becomes of it is read in the log; a publish that is late is late, and no harm. */
  private makeOut(receipt: Receipt): void {
    const { events, clock } = this.options;
    const { number, corrects, session, customer } = receipt;
    events
      .publishChargingEvent({
        id: `receipt:${number}`,
        schema: 1,
        at: new Date(clock.now()).toISOString(),
        type: 'charging.receipt',
        chargePointId: session.chargePointId,
        sessionId: session.sessionId,
        accountId: customer.accountId,
        stationId: session.station.id,
        number,
        corrects,
        receipt: receipt as unknown as Record<string, unknown>,
      })
      .catch(() => {});
  }
}
