import { setTimeout as sleep } from 'node:timers/promises';
import type { LogReader, PartitionHandler, Refusal, StartAt } from '../ports.js';
import { poison, refuseStart, StartGuard } from '../start.js';
import type { MemoryPartition } from './partition.js';

/** Readers that share the partitions: partition p is read by member p modulo their count, as the broker does. */
export class MemoryGroup {
  private members: MemoryReader[] = [];
  private order: Promise<void> = Promise.resolve();

  constructor(readonly partitions: readonly MemoryPartition[]) {}

  reader(): LogReader {
    return new MemoryReader(this);
  }

  join(member: MemoryReader): Promise<void> {
    return this.change(() => this.members.push(member));
  }

  leave(member: MemoryReader): Promise<void> {
    return this.change(() => {
      this.members = this.members.filter((other) => other !== member);
    });
  }

  rotate(): Promise<void> {
    return this.change(() => this.members.push(...this.members.splice(0, 1)), true);
  }

  reconnect(): Promise<void> {
    return this.change(() => {}, true);
  }

  /** Hands partitions over: whoever loses one has stepped back before the next is activated. */
  private change(apply: () => void, everything = false): Promise<void> {
    this.order = this.order.then(async () => {
      const before = this.members;
      apply();
      const leaving = before.filter((member) => !this.members.includes(member));
      const owner = (index: number) => this.members[index % this.members.length];
      await Promise.all(
        [...this.members, ...leaving].flatMap((member) =>
          this.partitions.map(({ index }) =>
            everything || owner(index) !== member ? member.stepBack(index) : undefined,
          ),
        ),
      );
      for (const { index } of this.partitions) owner(index)?.activate(index);
    });
    return this.order;
  }
}

interface Seat {
  epoch: number;
  running: Promise<void> | undefined;
  reading: boolean;
  refused: boolean;
}

class MemoryReader implements LogReader {
  private handler: PartitionHandler | undefined;
  private readonly seats: Seat[];

  constructor(private readonly group: MemoryGroup) {
    this.seats = group.partitions.map(() => ({
      epoch: 0,
      running: undefined,
      reading: false,
      refused: false,
    }));
  }

  async start(handler: PartitionHandler): Promise<void> {
    if (this.handler) throw new Error('a reader is started once');
    this.handler = handler;
    await this.group.join(this);
  }

  get active(): readonly number[] {
    return this.seats.flatMap((seat, partition) => (seat.reading ? [partition] : []));
  }

  async refuse(why: Refusal): Promise<void> {
    const seat = this.seats[why.partition];
    if (!seat || seat.refused) return;
    seat.refused = true;
    seat.reading = false;
    seat.epoch += 1;
    this.group.partitions[why.partition]!.wake();
    this.handler?.refused(why);
  }

  close(): Promise<void> {
    return this.group.leave(this);
  }

  activate(partition: number): void {
    const seat = this.seats[partition]!;
    if (seat.refused || seat.running) return;
    const epoch = ++seat.epoch;
    seat.running = this.read(partition, seat, epoch);
  }

  async stepBack(partition: number): Promise<void> {
    const seat = this.seats[partition]!;
    seat.epoch += 1;
    seat.reading = false;
    if (!seat.running) return;
    this.group.partitions[partition]!.wake();
    await seat.running;
    seat.running = undefined;
    if (!seat.refused) await this.handler!.deactivate(partition);
  }

  private async read(index: number, seat: Seat, epoch: number): Promise<void> {
    const handler = this.handler!;
    const partition = this.group.partitions[index]!;
    let start: StartAt | undefined;
    while (!start) {
      try {
        start = await handler.activate(index);
      } catch {
        // The broker would activate again after a new connection.
        await sleep(10);
        if (seat.epoch !== epoch) return;
      }
    }
    const refused = refuseStart(start, partition.bounds(), index);
    if (seat.epoch !== epoch) return;
    if (refused) return this.refuse(refused);
    seat.reading = true;
    const guard = new StartGuard(start, index);
    let next = 'from' in start ? 0 : start.after;
    while (seat.epoch === epoch) {
      const record = partition.at(next);
      if (!record) {
        await partition.changed();
        continue;
      }
      next = record.offset + 1;
      const verdict = guard.judge(record);
      if (verdict === 'drop') continue;
      if (verdict !== 'pass') return this.refuse(verdict);
      try {
        const done = handler.accept(record);
        if (done) await done;
      } catch (error) {
        return this.refuse(poison(record, error));
      }
    }
  }
}
