import { performance } from 'node:perf_hooks';

/** A wake-up that can be called off. */
export interface Wake {
  cancel(): void;
}

interface Entry extends Wake {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** How long one turn may run wake-ups before sockets get theirs, milliseconds. */
const TURN_MS = 8;

/**
 * Virtual time for a whole process of chargers: one heap and one real timer, however many chargers there
 * are. `speed` times as fast as real time; at speed `Infinity` everything is due at once and only the
 * chargers' own order (and the answers they wait for) holds things back.
 */
export class VirtualClock {
  private readonly heap: Entry[] = [];
  private readonly origin = performance.now();
  private order = 0;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private stopped = false;

  /** @param startAt virtual epoch milliseconds of the moment of construction */
  constructor(
    readonly startAt: number,
    readonly speed: number,
  ) {}

  /** Virtual epoch milliseconds. `Infinity` at unlimited speed. */
  now(): number {
    return this.speed === Number.POSITIVE_INFINITY
      ? this.speed
      : this.startAt + (performance.now() - this.origin) * this.speed;
  }

  /** Calls `run` once virtual time has reached `at`; never from within this call. */
  wake(at: number, run: () => void): Wake {
    const entry: Entry = {
      at,
      order: this.order++,
      run,
      cancel() {
        this.run = undefined;
      },
    };
    this.push(entry);
    if (this.heap[0] === entry) this.arm();
    return entry;
  }

  /** Nothing is woken any more. */
  stop(): void {
    this.stopped = true;
    this.heap.length = 0;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
  }

  private arm(): void {
    const head = this.heap[0];
    if (this.stopped || head === undefined || this.immediate !== undefined) return;
    const wait = (head.at - this.now()) / this.speed;
    if (!(wait > 0)) {
      clearTimeout(this.timer);
      this.timerAt = Number.POSITIVE_INFINITY;
      this.immediate = setImmediate(this.turn);
    } else if (head.at < this.timerAt) {
      clearTimeout(this.timer);
      this.timerAt = head.at;
      // Beyond 2^31 - 1 ms a Node timer fires at once; waking early only arms again.
      this.timer = setTimeout(this.turn, Math.min(Math.ceil(wait), 2 ** 31 - 1));
    }
  }

  private readonly turn = (): void => {
    this.immediate = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
    const began = performance.now();
    for (let head = this.heap[0]; head !== undefined && head.at <= this.now(); head = this.heap[0]) {
      this.pop();
      head.run?.();
      if (performance.now() - began > TURN_MS) break;
    }
    this.arm();
  };

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
