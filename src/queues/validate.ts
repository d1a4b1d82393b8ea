import type { z } from 'zod';
import { WattstreamError } from '../platform/errors.js';

/** What may be published: `value` with nothing in it that its schema does not name. Throws MESSAGE_INVALID. */
export function validated<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'the message'}: ${message}`)
    .join('; ');
  throw new WattstreamError('MESSAGE_INVALID', `${what} was not published: ${wrong}`, {
    remedy: 'The shapes of all messages are in src/domain/messages.',
  });
}
