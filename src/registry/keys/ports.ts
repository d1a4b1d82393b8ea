/** Where keys are kept: numbered books, each of which can be forgotten as a whole and not otherwise. */

export interface KeyRecord {
  readonly id: string;
  /** Account that it belongs to; null: the installation's own, by which e-mail addresses are tagged. */
  readonly owner: string | null;
  /** 32 bytes, base64url. */
  readonly key: string;
}

/**
 * All of it may be repeated, at any time, by any process. Rejects with KEY_BOOK_MISSING (there is no such book), or with
 * an error that can be retried while the broker is away.
 */
export interface KeyBooks {
  /** Makes the book where it is missing. */
  declare(book: number): Promise<void>;
  /** Resolves when all of them are kept. Never makes a book: one that was removed stays so. */
  append(book: number, records: readonly KeyRecord[]): Promise<void>;
  /** What is kept after `after`, to the end that the book has now. The same key may come more than once. */
  read(book: number, after?: number): Promise<KeyBookPart>;
  /** With everything in it. One that is not there is removed already. */
  remove(book: number): Promise<void>;
  close(): Promise<void>;
}

export interface KeyBookPart {
  readonly records: readonly KeyRecord[];
  /** Where to go on: `after` of the next call; undefined: it is empty. */
  readonly last: number | undefined;
}
