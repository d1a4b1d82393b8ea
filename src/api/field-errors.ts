import { WattstreamError } from '../platform/errors.js';

/** What is wrong with a request, field by field, where no zod schema of ours has said it. */
export class FieldErrors extends WattstreamError {
  constructor(
    code: string,
    message: string,
    readonly fields: readonly { readonly field: string; readonly message: string }[],
    options: { remedy?: string } = {},
  ) {
    super(code, message, options);
  }
}
