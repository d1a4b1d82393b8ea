/** Key books in memory, for tests: several processes of a test may share one. */
import { WattstreamError } from '../../../platform/errors.js';
import type { KeyBookPart, KeyBooks, KeyRecord } from '../ports.js';
import { keysOf, missingBook, recordsOf } from '../record.js';

export class MemoryKeyBooks implements KeyBooks {
  /** Bodies of records, by book. */
  readonly books = new Map<number, string[]>();
  private away = false;

  setAway(away: boolean): void {
    this.away = away;
  }

  async declare(book: number): Promise<void> {
    this.refuseAway();
    if (!this.books.has(book)) this.books.set(book, []);
  }

  async append(book: number, records: readonly KeyRecord[]): Promise<void> {
    this.bookOf(book).push(...recordsOf(records));
  }

  async read(book: number, after = -1): Promise<KeyBookPart> {
    const bodies = this.bookOf(book);
    return {
      records: bodies.slice(after + 1).flatMap((body) => keysOf(body)),
      last: bodies.length === 0 ? undefined : bodies.length - 1,
    };
  }

  async remove(book: number): Promise<void> {
    this.refuseAway();
    this.books.delete(book);
  }

  async close(): Promise<void> {}

  private bookOf(book: number): string[] {
    this.refuseAway();
    const found = this.books.get(book);
    if (found === undefined) throw missingBook(book);
    return found;
  }

  private refuseAway(): void {
    if (this.away)
      throw new WattstreamError('BROKER_UNREACHABLE', 'The key books in memory are away.', {
        canRetry: true,
      });
  }
}
