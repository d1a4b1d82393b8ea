/**
 * The keys that this process knows: those of the current book and, while one is being rewritten, of the one before. What
 * is in neither any more is forgotten here too, so that a destroyed key lives on in nobody's memory.
 *
 * Books are read when they are asked for: at the first need, and when a key is met that is not known (another process
 * has made it). A key is kept before what it seals is published, so one that is in no book then is gone: by a reading that
 * began after it was met, and came to the end. Whoever joined one from before would see people without names.
 */
import type { KeyBook } from '../../domain/registry/key-book.js';
import { KEY_BOOK } from '../../domain/registry/personal.js';
import { WattstreamError } from '../../platform/errors.js';
import { oneAtATime } from '../../platform/one-at-a-time.js';
import type { Replica } from '../replica.js';
import type { KeyBooks, KeyRecord } from './ports.js';

interface Page {
  readonly byId: Map<string, Buffer>;
  readonly byOwner: Map<string, string>;
  readonly owners: Map<string, string | null>;
  last: number | undefined;
  isRead: boolean;
}

export interface KeyRingOptions {
  readonly books: KeyBooks;
  readonly replica: Pick<Replica, 'get' | 'caughtUp'>;
  /** Between two readings for keys that are nowhere. Default 1 000. */
  readonly againMs?: number;
}

export class KeyRing {
  private readonly pages = new Map<number, Page>();
  private readAt = Number.NEGATIVE_INFINITY;
  /** Keys that were looked for, and were in no book. */
  private readonly nowhere = new Set<string>();
  /**
   * Reads what has come to the books: all that was there when it was asked for. Rejects with KEY_BOOK_LOST, with
   * KEY_BOOK_UNREAD while others rewrite it, or as `KeyBooks` does while the broker is away.
   */
  readonly refresh = oneAtATime(() => this.read());

  constructor(private readonly options: KeyRingOptions) {}

  /** What the log says of books; undefined: nothing was ever sealed here. */
  get state(): KeyBook | undefined {
    return this.options.replica.get('key-book', KEY_BOOK)?.state;
  }

  key(id: string): Buffer | undefined {
    this.forget();
    for (const { byId } of this.pages.values()) {
      const found = byId.get(id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** A key of the account that is kept in this very book. */
  keyIn(book: number, owner: string): string | undefined {
    return this.pages.get(book)?.byOwner.get(owner);
  }

  isIn(book: number, id: string): boolean {
    return this.pages.get(book)?.byId.has(id) ?? false;
  }

  /** It has been read here, to some end. */
  isRead(book: number): boolean {
    return this.pages.get(book)?.isRead ?? false;
  }

  ownerOf(id: string): string | null | undefined {
    for (const { owners } of this.pages.values()) if (owners.has(id)) return owners.get(id);
    return undefined;
  }

  /** Accounts that have a key in this book. */
  ownersIn(book: number): Iterable<string> {
    return this.pages.get(book)?.byOwner.keys() ?? [];
  }

  /** What this process has put into the book itself. */
  add(book: number, records: readonly KeyRecord[]): void {
    const page = this.pageOf(book);
    for (const { id, owner, key } of records) {
      page.byId.set(id, Buffer.from(key, 'base64url'));
      page.owners.set(id, owner);
      if (owner !== null) page.byOwner.set(owner, id);
    }
  }

  /**
   * Resolves when those of these keys are here that are in any book. Whoever asks for keys that are nowhere must not keep
   * the broker busy: for those alone it is not read again at once. Rejects as `refresh` does.
   */
  async seek(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => this.key(id) === undefined);
    if (missing.length === 0) return;
    const wasJustRead = performance.now() - this.readAt < (this.options.againMs ?? 1_000);
    if (wasJustRead && missing.every((id) => this.nowhere.has(id))) return;
    await this.refresh();
    for (const id of missing)
      if (this.key(id) === undefined) this.nowhere.add(id);
      else this.nowhere.delete(id);
  }

  /** The key by which e-mail addresses are tagged; undefined: nothing was ever sealed here. Rejects as `refresh` does. */
  async tagKey(): Promise<Buffer | undefined> {
    const { state } = this;
    if (state === undefined) return undefined;
    const known = this.key(state.tagKey);
    if (known !== undefined) return known;
    await this.refresh();
    const read = this.key(this.state?.tagKey ?? '');
    if (read === undefined) throw lost(`Key book ${state.book} has no key of the installation`);
    return read;
  }

  private async read(): Promise<void> {
    // What the log says may change while a book is read; then once more.
    for (let round = 0; round < 5; round++) {
      const { state } = this;
      if (state === undefined) return;
      const hadOld = state.from !== null && (await this.readBook(state.from).then(() => true, unlessMissing));
      const isThere = await this.readBook(state.book).then(() => true, unlessMissing);
      this.forget();
      if (isThere) {
        this.readAt = performance.now();
        if (this.state?.book === state.book && this.state.from === state.from) return;
        continue;
      }
      // Begun and announced by a process that has died in between, or passed already.
      await this.options.replica.caughtUp();
      if (this.state?.book !== state.book || this.state.from !== state.from) continue;
      if (hadOld) return;
      if (state.from === null) throw lost(`The stream of key book ${state.book} is not there`);
    }
    throw new WattstreamError('KEY_BOOK_UNREAD', 'The key book was rewritten while it was read.', {
      canRetry: true,
    });
  }

  private async readBook(book: number): Promise<void> {
    const { records, last } = await this.options.books.read(book, this.pages.get(book)?.last);
    this.add(book, records);
    Object.assign(this.pageOf(book), { last, isRead: true });
  }

  private forget(): void {
    const { state } = this;
    for (const book of this.pages.keys())
      if (book !== state?.book && book !== state?.from) this.pages.delete(book);
  }

  private pageOf(book: number): Page {
    const page = this.pages.get(book) ?? {
      byId: new Map(),
      byOwner: new Map(),
      owners: new Map(),
      last: undefined,
      isRead: false,
    };
    this.pages.set(book, page);
    return page;
  }
}

const unlessMissing = (error: unknown): false => {
  if (error instanceof WattstreamError && error.code === 'KEY_BOOK_MISSING') return false;
  throw error;
};

export const lost = (what: string): WattstreamError =>
  new WattstreamError('KEY_BOOK_LOST', `${what}: names and e-mail addresses cannot be read, nobody logs in`, {
    remedy:
      'Restore the stream cms.keys.<n> from a backup of the broker. If there is none: wattstream admin new-keys --lost, then enter names and addresses anew.',
  });
