/**
 * Beginning key books, and rewriting one without the keys that were destroyed. The log decides which book is current and
 * which is being copied (`key-book`); any process goes on where another one stopped, and two at once do no harm.
 *
 *   book n --announce n+1, from n--> copying --copied, n deleted, completed--> book n+1
 *
 * 1. The stream of book n+1 is declared. (A crash: an empty stream, which the next one uses.)
 * 2. n+1 is announced through the log. From there on a change that was sealed under n is void, so all keys that anything
 *    in the log needs were confirmed in n before this place. (A crash: 3, by anybody.)
 * 3. n is read to its end and copied, except keys of erased accounts and of accounts that never came to be. (A crash: some
 *    are there twice, which says the same.)
 * 4. The stream of n is deleted: the keys that were not copied are gone. (A crash: whoever goes on finds no n, which means
 *    that it was copied.)
 * 5. The log has it that n+1 stands alone.
 *
 * Whoever was paused in 3 and comes back late appends to a stream that may be deleted by then: it is refused, and makes no
 * new one. Whoever was paused before 1 leaves an empty stream behind, never one with keys.
 *
 * It may not be deleted by then: n+1 was announced, its copier does not know of an erasure that came afterwards, and appends
 * the key when somebody else has completed n+1 without it. So a key counts as destroyed only when the current book was
 * announced after the erasure: whoever knows of that book, copying or sealing, knows of the erasure too.
 */
import { randomBytes } from 'node:crypto';
import type { KeyBook } from '../../domain/registry/key-book.js';
import { isErased, KEY_BOOK } from '../../domain/registry/personal.js';
import { type Live, lookUp } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { oneAtATime } from '../../platform/one-at-a-time.js';
import type { Replica } from '../replica.js';
import type { KeyRing } from './key-ring.js';
import type { KeyBooks, KeyRecord } from './ports.js';
import { newKey } from './seal.js';

export interface Decision {
  readonly kind: 'key-book';
  readonly id: string;
  readonly change: 'created' | 'updated';
  readonly state: KeyBook;
  readonly version: number;
  readonly actor: string;
}

export interface KeyKeeperOptions {
  readonly books: KeyBooks;
  readonly ring: KeyRing;
  readonly replica: Replica;
  /** Into the log; rejects with CONFLICT when the version has passed. */
  readonly propose: (decision: Decision) => Promise<unknown>;
  readonly logger: Logger;
}

const ACTOR = 'wattstream keys';
/** Each round somebody else was first with another step. */
const ROUNDS = 20;
/** Books before the current one that are looked for when it stands alone. */
const SWEPT = 5;

export class KeyKeeper {
  /** Books before this one have been looked for. */
  private swept = 0;
  /** The first book that was announced after the newest erasure that was seen here. */
  private needed = 0;
  /**
   * Resolves when no key of an erased account is in any book, none can come there any more, and no rewrite is unfinished: of
   * all accounts that this process knew to be erased when it was asked.
   */
  readonly destroyed = oneAtATime(() => this.destroy());

  constructor(private readonly options: KeyKeeperOptions) {
    options.replica.onJudged(({ event, verdict }) => {
      const { state } = options.ring;
      if (verdict.verdict !== 'applied' || event.kind !== 'account' || state === undefined) return;
      if (event.state?.erased !== undefined) this.needed = state.book + 1;
    });
  }

  /** Where nothing was ever sealed: the first book, with the key that tags addresses. Resolves when the log has one. */
  async begin(): Promise<void> {
    const { ring, replica } = this.options;
    if (ring.state !== undefined) return;
    await replica.caughtUp();
    if (ring.state === undefined) await this.beginAt(1, 0);
  }

  /**
   * After the current book was lost and no backup brings it back: an empty one. What was sealed stays sealed for ever; names
   * and addresses are to be written anew. Rejects with KEY_BOOK_THERE when the current one can be read.
   */
  async beginAnew(): Promise<number> {
    const { ring, replica } = this.options;
    await replica.caughtUp();
    const before = ring.state;
    if (before === undefined) {
      await this.begin();
      return 1;
    }
    const isLost = await ring.tagKey().then(
      () => false,
      (error: unknown) => {
        if (error instanceof WattstreamError && error.code === 'KEY_BOOK_LOST') return true;
        throw error;
      },
    );
    if (!isLost)
      throw new WattstreamError('KEY_BOOK_THERE', `Key book ${before.book} is there and can be read.`, {
        remedy: 'Nothing has to be done. To destroy the keys of one account, erase it.',
      });
    await this.beginAt(before.book + 1, replica.get('key-book', KEY_BOOK)?.version);
    return before.book + 1;
  }

  private async destroy(): Promise<void> {
    const { ring, replica } = this.options;
    for (let round = 0; round < ROUNDS; round++) {
      await replica.caughtUp();
      const current = replica.get('key-book', KEY_BOOK);
      if (current === undefined) return;
      const { state } = current;
      if (state.from === null) {
        await this.sweep(state.book);
        await ring.refresh();
        if (ring.state !== state) continue;
        // Nothing is awaited between this and the answer: it is true when it is given.
        if (state.book >= this.needed && !this.hasErased(state.book)) return;
        await this.announce(current);
      } else
        await this.finish(current, state.from).catch((error: unknown) => this.unlessPassed(error, state));
    }
    throw new WattstreamError('KEYS_CONTENDED', 'Others rewrite the key book again and again.', {
      canRetry: true,
    });
  }

  private async announce({ version, state }: Live<'key-book'>): Promise<void> {
    const { books, logger } = this.options;
    const { id, book, tagKey } = state;
    await books.declare(book + 1);
    await this.proposed({ id, book: book + 1, from: book, tagKey }, version);
    logger.info(
      { book: book + 1, from: book },
      'the key book is rewritten without the keys of erased accounts',
    );
  }

  private async finish({ version, state }: Live<'key-book'>, from: number): Promise<void> {
    const { books, ring, logger } = this.options;
    // Its announcer may have declared it on a broker that has lost it since.
    await books.declare(state.book);
    const old = await books.read(from).then(
      ({ records }) => records,
      (error: unknown) => {
        if (error instanceof WattstreamError && error.code === 'KEY_BOOK_MISSING') return undefined;
        throw error;
      },
    );
    if (old !== undefined) {
      const there = new Set((await books.read(state.book)).records.map(({ id }) => id));
      const kept = new Map<string, KeyRecord>();
      for (const record of old)
        if (!there.has(record.id) && this.isKept(record, state)) kept.set(record.id, record);
      await books.append(state.book, [...kept.values()]);
      ring.add(state.book, [...kept.values()]);
      await books.remove(from);
      logger.info({ book: state.book, copied: kept.size, of: old.length }, 'the key book was copied');
    }
    await this.proposed({ ...state, from: null }, version);
  }

  /** Others have gone on meanwhile, and deleted what this process still copied to. */
  private async unlessPassed(error: unknown, { book }: KeyBook): Promise<void> {
    const { replica, ring } = this.options;
    if (!(error instanceof WattstreamError) || error.code !== 'KEY_BOOK_MISSING') throw error;
    await replica.caughtUp();
    if (ring.state?.book === book) throw error;
  }

  /** What somebody who was paused for long may have left behind. */
  private async sweep(book: number): Promise<void> {
    for (let old = Math.max(this.swept, 1, book - SWEPT); old < book; old++)
      await this.options.books.remove(old);
    this.swept = book;
  }

  /** Everything that the log had when the new book was announced is known here: `destroy` has caught up. */
  private isKept({ id, owner }: KeyRecord, { tagKey }: KeyBook): boolean {
    if (owner === null) return id === tagKey;
    const { state } = this.options.replica;
    return lookUp(state, 'account', owner) !== undefined && !isErased(state, owner);
  }

  private hasErased(book: number): boolean {
    const { ring, replica } = this.options;
    for (const owner of ring.ownersIn(book)) if (isErased(replica.state, owner)) return true;
    return false;
  }

  private async beginAt(book: number, version = 0): Promise<void> {
    const { books, ring } = this.options;
    const key: KeyRecord = {
      id: randomBytes(9).toString('base64url'),
      owner: null,
      key: newKey().toString('base64url'),
    };
    await books.declare(book);
    await books.append(book, [key]);
    await this.proposed({ id: KEY_BOOK, book, from: null, tagKey: key.id }, version);
    // Another one was first, and it is at another book already: nobody reads this one.
    const current = ring.state;
    if (current !== undefined && current.book !== book && current.from !== book) await books.remove(book);
  }

  /** Through the log, upon this version and no other. That another process was first is as good: what it decided is next. */
  private async proposed(state: KeyBook, version: number): Promise<void> {
    const { propose, replica } = this.options;
    try {
      await propose({
        kind: 'key-book',
        id: KEY_BOOK,
        change: version === 0 ? 'created' : 'updated',
        state,
        version,
        actor: ACTOR,
      });
    } catch (error) {
      if (!(error instanceof WattstreamError) || error.code !== 'CONFLICT') throw error;
      await replica.caughtUp();
    }
  }
}
