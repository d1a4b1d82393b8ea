import { WattstreamError } from '../platform/errors.js';

/** Refused for now (429, Retry-After): RATE_LIMITED, LOGIN_LOCKED. */
export class TooMany extends WattstreamError {
  constructor(
    code: 'RATE_LIMITED' | 'LOGIN_LOCKED',
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(code, message, { remedy: `Try again in ${retryAfterSeconds} s.` });
  }
}
