/** What every keeper of key books promises; run over the one in memory and the one on RabbitMQ. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { KeyBooks, KeyRecord } from './ports.js';
import { KEYS_PER_RECORD } from './record.js';

const key = (id: string, owner: string | null = 'ac-1'): KeyRecord => ({ id, owner, key: 'A'.repeat(43) });

export function keyBooksContract(
  name: string,
  open: () => Promise<{ books: KeyBooks; close(): Promise<void> }>,
) {
  describe(`key books: ${name}`, () => {
    let books: KeyBooks;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ books, close } = await open());
    }, 60_000);
    afterEach(() => close(), 60_000);
    const missing = { code: 'KEY_BOOK_MISSING' };

    test('what was appended is read, in order, and from where one has read to', async () => {
      await books.declare(1);
      expect(await books.read(1)).toEqual({ records: [], last: undefined });
      await books.append(1, [key('a', null), key('b')]);
      const first = await books.read(1);
      expect(first.records).toEqual([key('a', null), key('b')]);
      await books.append(1, [key('c', 'ac-2')]);
      expect((await books.read(1, first.last)).records).toEqual([key('c', 'ac-2')]);
      const all = await books.read(1);
      expect(all.records).toHaveLength(3);
      expect(await books.read(1, all.last)).toEqual({ records: [], last: all.last });
    }, 60_000);

    test('declaring again takes nothing away, and books are apart', async () => {
      await books.declare(1);
      await books.append(1, [key('a')]);
      await books.declare(1);
      await books.declare(2);
      expect((await books.read(1)).records).toEqual([key('a')]);
      expect((await books.read(2)).records).toEqual([]);
    }, 60_000);

    test('as many keys as an installation has', async () => {
      await books.declare(1);
      const many = Array.from({ length: 3 * KEYS_PER_RECORD + 1 }, (_, index) => key(`k-${index}`));
      await books.append(1, many);
      expect((await books.read(1)).records).toEqual(many);
    }, 60_000);

    test('a book that was removed is gone with its keys: whoever comes late makes no new one', async () => {
      await books.declare(1);
      await books.append(1, [key('a')]);
      await books.remove(1);
      await expect(books.append(1, [key('late')])).rejects.toMatchObject(missing);
      await expect(books.read(1)).rejects.toMatchObject(missing);
      await books.remove(1);
      await books.declare(1);
      expect((await books.read(1)).records).toEqual([]);
    }, 60_000);

    test('what was never declared is missing', async () => {
      await expect(books.read(7)).rejects.toMatchObject(missing);
      await expect(books.append(7, [key('a')])).rejects.toMatchObject(missing);
    }, 60_000);
  });
}
