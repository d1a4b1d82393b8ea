/**
 * Who has failed to log in too often waits: one second after the last free attempt, twice as long after each further one.
 * Counted per account and address, and ten times as generously per account and per address, so that neither many
 * addresses nor many accounts are a way around it. Unknown e-mail addresses are counted like known ones: waiting says
 * nothing about who has an account.
 *
 * In the memory of one process: n processes let n times as many attempts through, and a restart forgets. An attempt counts
 * from its beginning, so that many at once are no way around it either.
 */
export interface AttemptsOptions {
  /** Free ones in a row, for one account from one address. */
  readonly free: number;
  readonly longestMs: number;
  readonly now: () => number;
}

/** Of one process; the oldest are forgotten beyond it. */
const REMEMBERED = 100_000;
const GENEROUS = 10;

interface Failures {
  readonly count: number;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly last: number;
}

export type Attempt =
  | { readonly waitMs: number; readonly isNews: boolean }
  | { readonly waitMs: 0; succeeded(): void };

export class Attempts {
  private readonly failures = new Map<string, Failures>();
  private readonly told = new Map<string, number>();

  constructor(private readonly options: AttemptsOptions) {}

  /** `who`: whatever stands for the account. `waitMs` above 0: not now. `isNews`: nobody was told of this wait. */
  begin(who: string, address: string): Attempt {
    const { free, now } = this.options;
    const limits = [
      { key: `both ${who} ${address}`, free },
      { key: `who ${who}`, free: free * GENEROUS },
      { key: `address ${address}`, free: free * GENEROUS },
    ];
    for (const { key } of limits) {
      const found = this.failures.get(key);
      if (found === undefined || found.until <= now()) continue;
      const isNews = this.told.get(key) !== found.until;
      this.told.set(key, found.until);
      return { waitMs: found.until - now(), isNews };
    }
    for (const { key, free: allowed } of limits) this.count(key, allowed);
    return {
      waitMs: 0,
      succeeded: () => {
        // Of the address one only is taken back: whoever has an account could otherwise wipe out all their guesses.
        this.failures.delete(limits[0]?.key as string);
        for (const { key } of limits.slice(1)) this.takeBack(key);
      },
    };
  }

  private count(key: string, free: number): void {
    const { longestMs, now } = this.options;
    const before = this.failures.get(key);
    const isFresh = before !== undefined && now() - before.last < 2 * longestMs;
    const count = (isFresh ? before.count : 0) + 1;
    const waitMs = count < free ? 0 : Math.min(longestMs, 1_000 * 2 ** Math.min(count - free, 30));
    this.failures.delete(key);
    this.failures.set(key, { count, until: now() + waitMs, last: now() });
    if (this.failures.size > REMEMBERED)
      for (const oldest of this.failures.keys()) {
        this.failures.delete(oldest);
        this.told.delete(oldest);
        break;
      }
  }

  private takeBack(key: string): void {
    const found = this.failures.get(key);
    if (found === undefined) return;
    if (found.count <= 1) this.failures.delete(key);
    else this.failures.set(key, { ...found, count: found.count - 1, until: 0 });
  }
}
