/** Those who wait, within a time, for what a log that is being read says of something. */
export class Waiters<T> {
  private readonly waiting = new Map<string, Set<Waiter<T>>>();

  /**
   * Resolves as soon as what is said of the key is what is waited for, which may be at once; with undefined after
   * `withinMs`, or when nobody listens any more.
   */
  until(
    key: string,
    known: T | undefined,
    is: (value: T) => boolean,
    withinMs: number,
  ): Promise<T | undefined> {
    if (known !== undefined && is(known)) return Promise.resolve(known);
    return new Promise((resolve) => {
      const others = this.waiting.get(key) ?? new Set();
      this.waiting.set(key, others);
      const end = (value?: T): void => {
        clearTimeout(timer);
        others.delete(waiter);
        if (others.size === 0) this.waiting.delete(key);
        resolve(value);
      };
      const waiter: Waiter<T> = { is, end };
      const timer = setTimeout(end, Math.max(0, withinMs));
      others.add(waiter);
    });
  }

  /** This is how it stands now. */
  say(key: string, value: T): void {
    for (const waiter of [...(this.waiting.get(key) ?? [])]) if (waiter.is(value)) waiter.end(value);
  }

  /** Nothing more will be said. */
  close(): void {
    for (const others of [...this.waiting.values()]) for (const waiter of [...others]) waiter.end();
  }
}

interface Waiter<T> {
  is(value: T): boolean;
  end(value?: T): void;
}
