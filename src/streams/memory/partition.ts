import { decodeMessage, encodeMessage } from '../codec.js';
import type { FrameRecord, PartitionBounds, StoredRecord } from '../ports.js';

/** One partition's records, and how to wait for the next. */
export class MemoryPartition {
  private kept: { readonly offset: number; readonly message: Buffer }[] = [];
  private next = 0;
  private wakers: (() => void)[] = [];

  constructor(
    readonly index: number,
    private readonly gapEvery: number,
  ) {}

  append(record: FrameRecord): void {
    this.kept.push({ offset: this.next, message: encodeMessage(record) });
    this.next += this.gapEvery > 0 && this.kept.length % this.gapEvery === 0 ? 2 : 1;
    this.wake();
  }

  bounds(): PartitionBounds {
    return { partition: this.index, first: this.kept[0]?.offset, last: this.kept.at(-1)?.offset };
  }

  /** The first record at or behind `offset`. */
  at(offset: number): StoredRecord | undefined {
    let low = 0;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.kept[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    const found = this.kept[low];
    return found && { ...decodeMessage(found.message), partition: this.index, offset: found.offset };
  }

  /** Resolves at the next append or `wake`. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.wakers.push(resolve));
  }

  wake(): void {
    const wakers = this.wakers;
    this.wakers = [];
    for (const wake of wakers) wake();
  }

  truncateBefore(offset: number): void {
    this.kept = this.kept.filter((entry) => entry.offset >= offset);
  }

  clear(): void {
    this.kept = [];
    this.next = 0;
  }
}
