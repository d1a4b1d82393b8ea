/** A record of a key book: several keys in one, since a rewritten book has them all. */
import { z } from 'zod';
import { WattstreamError } from '../../platform/errors.js';
import type { KeyRecord } from './ports.js';

export const KEYS_PER_RECORD = 500;

const keyRecord = z.object({
  id: z.string().min(1).max(64),
  owner: z.string().min(1).max(64).nullable(),
  key: z.string().regex(/^[\w-]{43}$/),
});
const page = z.object({ keys: z.array(keyRecord) });

export function* recordsOf(keys: readonly KeyRecord[]): Generator<string> {
  for (let at = 0; at < keys.length; at += KEYS_PER_RECORD)
    yield JSON.stringify({ keys: keys.slice(at, at + KEYS_PER_RECORD) });
}

/** None when it is no record of ours. */
export function keysOf(body: string): readonly KeyRecord[] {
  try {
    return page.parse(JSON.parse(body)).keys;
  } catch {
    return [];
  }
}

export const missingBook = (book: number): WattstreamError =>
  new WattstreamError('KEY_BOOK_MISSING', `There is no key book ${book}.`);
