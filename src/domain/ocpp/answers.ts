/** What was answered, read back from a record. */
import { isObject, NOTHING, type Payload } from './payload.js';

/** The CALLRESULT payload we answered with; empty when there was none. */
export function answered(answer: string | undefined): Payload {
  if (answer === undefined || !answer.startsWith('{')) return NOTHING;
  try {
    const value: unknown = JSON.parse(answer);
    return isObject(value) ? value : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** The answer was a CALLERROR: the `[code, description]` pair. */
export const wasRefused = (answer: string | undefined): boolean => answer?.startsWith('[') ?? false;

export const statusOf = (info: unknown): string | undefined =>
  isObject(info) && typeof info.status === 'string' ? info.status : undefined;
