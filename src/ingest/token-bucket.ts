/** A rate with a burst. Time is passed in: monotonic milliseconds. */
export class TokenBucket {
  private tokens: number;
  private at = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst;
  }

  /** Takes one, into debt if it must; returns the milliseconds until the debt is paid (0 = none). */
  take(now: number): number {
    this.refill(now);
    this.tokens--;
    return this.tokens >= 0 ? 0 : Math.ceil((-this.tokens / this.perSecond) * 1_000);
  }

  /** Takes one if there is one. */
  tryTake(now: number): boolean {
    this.refill(now);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  private refill(now: number): void {
    if (now > this.at)
      this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) / 1_000) * this.perSecond);
    this.at = Math.max(this.at, now);
  }
}
