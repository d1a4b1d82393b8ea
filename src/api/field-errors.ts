import { WattstreamError } from '../platform/errors.js';

export interface FieldError {
  readonly field: string;
  readonly message: string;
  /** Where in a file that was sent. */
  readonly line?: number;
  readonly column?: string;
}

/** What is wrong with a request, field by field, where no zod schema of ours has said it. */
export class FieldErrors extends WattstreamError {
  constructor(
    code: string,
    message: string,
    readonly fields: readonly FieldError[],
    options: { remedy?: string } = {},
  ) {
    super(code, message, options);
  }
}
