import { ClickHouseException } from './protocol/errors.js';

/**
 * How many queries of one kind run at a time. Readers, writers and analysts each have a lane, so that none can
 * take all places: a place is a thread of the pool, held until the engine is done.
 */
export class Lane {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;
  constructor(
    readonly name: string,
    readonly places: number,
    private readonly maxWaiting: number,
  ) {}

  get running(): number {
    return this.taken;
  }
  get queued(): number {
    return this.waiting.length;
  }

  /** Waits for a place; the caller gives it back by calling what it gets. First come, first served. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.taken < this.places) this.taken++;
    else {
      if (this.waiting.length >= this.maxWaiting)
        throw ClickHouseException.of(
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          `Too many simultaneous queries: ${this.places} run and ${this.waiting.length} wait in the lane ${this.name}`,
        );
      await new Promise<void>((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener('abort', gone);
          resolve();
        };
        const gone = () => {
          this.waiting.splice(this.waiting.indexOf(turn), 1);
          reject(ClickHouseException.of('QUERY_WAS_CANCELLED', 'The client left while its query waited'));
        };
        if (signal.aborted) {
          reject(ClickHouseException.of('QUERY_WAS_CANCELLED', 'The client left while its query waited'));
          return;
        }
        this.waiting.push(turn);
        signal.addEventListener('abort', gone, { once: true });
      });
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.waiting.shift();
      // The place is handed over, never free in between.
      if (next !== undefined) next();
      else this.taken--;
    };
  }
}
