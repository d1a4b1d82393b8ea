/**
 * The energy register of a connector. It counts in tenths of a watt-hour and never turns back, unless it
 * is reset (a defect, or a service visit).
 */
export class Meter {
  private wh: number;

  constructor(initialWh: number) {
    this.wh = initialWh;
  }

  add(wh: number): void {
    this.wh += wh;
  }

  reset(): void {
    this.wh = 0;
  }

  /** What the display shows: Wh, one decimal, rounded down. */
  get readingWh(): number {
    return Math.floor(this.wh * 10 + 1e-6) / 10;
  }
}

/** Difference of two readings, free of binary noise: Wh, one decimal. */
export const difference = (laterWh: number, earlierWh: number): number =>
  (Math.round(laterWh * 10) - Math.round(earlierWh * 10)) / 10;
