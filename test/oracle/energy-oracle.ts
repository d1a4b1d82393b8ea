/**
 * What a session took, from the truth that generated it: how long each stretch lasted and how much it took.
 * Knows nothing of frames, registers or the code under test.
 */

/** A stretch of charging (or of not charging) at constant power. */
export interface Stretch {
  readonly ms: number;
  /** Thousandths of a watt-hour. */
  readonly milli: number;
}

export interface Truth {
  /** Epoch milliseconds. */
  readonly startAt: number;
  readonly stretches: readonly Stretch[];
}

export const endOf = ({ startAt, stretches }: Truth): number =>
  stretches.reduce((at, stretch) => at + stretch.ms, startAt);

export const energyOf = ({ stretches }: Truth): number =>
  stretches.reduce((sum, stretch) => sum + stretch.milli, 0);

/** Taken until `at`, rounded down to a thousandth of a watt-hour; exact arithmetic throughout. */
export function energyUntil({ startAt, stretches }: Truth, at: number): number {
  let from = startAt;
  let taken = 0;
  for (const { ms, milli } of stretches) {
    if (at < from + ms) {
      return at <= from ? taken : taken + Number((BigInt(milli) * BigInt(at - from)) / BigInt(ms));
    }
    from += ms;
    taken += milli;
  }
  return taken;
}

const QUARTER = 15 * 60_000;

/** Energy by quarter hour, as [bucket, thousandths of a watt-hour]: every quarter that was connected. */
export function quartersOf(truth: Truth): [number, number][] {
  const end = endOf(truth);
  const quarters: [number, number][] = [];
  let bucket = truth.startAt - (truth.startAt % QUARTER);
  do {
    const upTo = bucket + QUARTER >= end ? energyOf(truth) : energyUntil(truth, bucket + QUARTER);
    quarters.push([bucket, upTo - energyUntil(truth, bucket)]);
    bucket += QUARTER;
  } while (bucket < end);
  return quarters;
}
