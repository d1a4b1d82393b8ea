import { createHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** An HDR histogram (Node's own) of microseconds: three significant digits from 1 us to 10 minutes, fixed memory. */
export class Latencies {
  private readonly histogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });

  record(ms: number): void {
    this.histogram.record(Math.min(600_000_000, Math.max(1, Math.round(ms * 1_000))));
  }

  reset(): void {
    this.histogram.reset();
  }

  summary(): LatencySummary {
    const at = (percentile: number) => this.histogram.percentile(percentile) / 1_000;
    const { count } = this.histogram;
    if (count === 0) return { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    return {
      count,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: this.histogram.max / 1_000,
    };
  }
}
