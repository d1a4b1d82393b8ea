/**
 * An error a program or a person can act on: what went wrong, what to do, whether trying again can help.
 * Codes are SCREAMING_SNAKE and stable; they appear in logs, HTTP answers and metrics.
 */
export class WattstreamError extends Error {
  override readonly name = 'WattstreamError';
  constructor(
    readonly code: string,
    message: string,
    readonly options: { canRetry?: boolean; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
  }
  get canRetry(): boolean {
    return this.options.canRetry ?? false;
  }
  get remedy(): string | undefined {
    return this.options.remedy;
  }
}

/** The text of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
