/**
 * Which stream of keys is the current one. A stream forgets only as a whole, so a destroyed key leaves the broker when its
 * book is written anew without it. `from`: the book that is being copied; its keys count until that is done.
 */
import { z } from 'zod';
import { id } from './shape.js';

export const keyBook = z
  .object({
    id,
    book: z.int().positive(),
    from: z.int().positive().nullable(),
    tagKey: z.string().min(1).max(64).describe('Key by which e-mail addresses are tagged'),
  })
  .meta({ id: 'KeyBook' });
export type KeyBook = z.infer<typeof keyBook>;
