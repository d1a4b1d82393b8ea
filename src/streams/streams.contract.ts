/**
 * What every log must keep, whoever implements it: run by `memory/memory.test.ts` and
 * `rabbitmq/rabbitmq.int.test.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { partitionOf, recordHash } from './codec.js';
import type {
  FramePublisher,
  FrameRecord,
  LogInspector,
  LogReader,
  PartitionHandler,
  PublisherState,
  Refusal,
  StartAt,
  StoredRecord,
} from './ports.js';

/** A log of 3 partitions, and the means to hurt it. */
export interface LogUnderTest {
  publisher(limits?: { maxUnconfirmed?: number }): Promise<FramePublisher>;
  reader(group: string): LogReader;
  inspector(): LogInspector;
  /** Confirms stop until `resume`; with `long`, until publishers are stalled. */
  hold(long?: boolean): Promise<void>;
  resume(): Promise<void>;
  /** Cuts every connection once. */
  drop(): Promise<void>;
  /** Deletes the stream and declares it again. */
  recreate(): Promise<void>;
  close(): Promise<void>;
}

export const PARTITIONS = 3;

// A shared broker on a busy machine may pause for seconds; `until` says what was waited for in vain.
jest.setTimeout(60_000);

/** The n-th frame of a charge point. */
export const frame = (chargePointId: string, n: number, more: Partial<FrameRecord> = {}): FrameRecord => ({
  body: JSON.stringify([2, `m${n}`, 'Heartbeat', {}]),
  subject: 'Heartbeat',
  chargePointId,
  messageId: `m${n}`,
  receivedAt: 1_700_000_000_000 + n,
  protocol: 'ocpp1.6',
  direction: 'in',
  gateway: 'gateway-1',
  connection: `${chargePointId}/1`,
  seq: n,
  ...more,
});

/** The first charge point id that goes to each partition. */
export const chargePointIn = (partition: number, partitions = PARTITIONS): string => {
  for (let n = 0; ; n++) if (partitionOf(`CP-${n}`, partitions) === partition) return `CP-${n}`;
};

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  ms = 20_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`);
    await sleep(10);
  }
}

/** Tables as a real sink keeps them: keyed by position, so that what is applied twice is there once. */
export class Sink {
  readonly rows = new Map<string, StoredRecord>();
  readonly applied = new Map<number, StoredRecord>();
  repeated = 0;

  apply(record: StoredRecord): void {
    const key = `${record.partition}:${record.offset}`;
    if (this.rows.has(key)) this.repeated += 1;
    this.rows.set(key, record);
    this.applied.set(record.partition, record);
  }
  start(partition: number): StartAt {
    const last = this.applied.get(partition);
    return last ? { after: last.offset, hash: recordHash(last) } : { from: 'first' };
  }
  /** In log order per partition. */
  of(chargePointId: string): StoredRecord[] {
    return [...this.rows.values()]
      .filter((row) => row.chargePointId === chargePointId)
      .sort((a, b) => a.offset - b.offset);
  }
}

/** A handler that writes into a sink and notes every breach of the port's rules. */
export class Recorder implements PartitionHandler {
  readonly breaches: string[] = [];
  readonly refusals: Refusal[] = [];
  readonly held = new Set<number>();
  private readonly busy = new Set<number>();
  /** Called within `accept`; may wait or fail. */
  onAccept: (record: StoredRecord) => void | Promise<void> = () => {};
  /** Called before `activate` answers. */
  onActivate: (partition: number) => void | Promise<void> = () => {};
  startAt: (partition: number) => StartAt;

  constructor(readonly sink = new Sink()) {
    this.startAt = (partition) => sink.start(partition);
  }

  async activate(partition: number): Promise<StartAt> {
    if (this.held.has(partition)) this.breaches.push(`activate of the active partition ${partition}`);
    await this.onActivate(partition);
    this.held.add(partition);
    return this.startAt(partition);
  }
  accept(record: StoredRecord): void | Promise<void> {
    const { partition } = record;
    if (!this.held.has(partition)) this.breaches.push(`a record of partition ${partition} while not active`);
    if (this.busy.has(partition)) this.breaches.push(`two records of partition ${partition} at once`);
    const done = this.onAccept(record);
    if (!done) {
      this.sink.apply(record);
      return;
    }
    this.busy.add(partition);
    return done.then(() => {
      this.busy.delete(partition);
      this.sink.apply(record);
    });
  }
  async deactivate(partition: number): Promise<void> {
    if (!this.held.delete(partition)) this.breaches.push(`deactivate of the inactive partition ${partition}`);
    if (this.busy.has(partition)) this.breaches.push(`deactivate of ${partition} within accept`);
  }
  refused(why: Refusal): void {
    this.held.delete(why.partition);
    this.refusals.push(why);
  }
}

export function logContract(name: string, create: () => Promise<LogUnderTest>): void {
  describe(`${name} as a log`, () => {
    let log: LogUnderTest;
    const open: { close(): Promise<void> }[] = [];
    const keep = <T extends { close(): Promise<void> }>(part: T): T => {
      open.push(part);
      return part;
    };
    const publisher = async (limits?: { maxUnconfirmed?: number }) => keep(await log.publisher(limits));
    const reading = async (handler: Recorder, group = 'test') => {
      const reader = keep(log.reader(group));
      await reader.start(handler);
      return reader;
    };
    beforeEach(async () => {
      log = await create();
    });
    afterEach(async () => {
      await log.resume();
      await Promise.all(open.splice(0).map((part) => part.close()));
      await log.close();
    });

    test('what was published is read, field by field, in the order of the calls', async () => {
      const all = [
        frame('CP-1', 1),
        frame('CP-1', 2, { body: '[2,"ü","Größe ⚡",{}]', messageId: 'ü', answer: '{"status":"Accepted"}' }),
        frame('CP-1', 3, {
          station: 'S1',
          account: 'A1',
          tariff: 'T1@4',
          direction: 'out',
          protocol: 'ocpp2.1',
        }),
        frame('CP-1', 4, { body: 'x'.repeat(70_000), subject: 'DataTransfer', connection: 'c'.repeat(300) }),
        {
          body: '',
          subject: 'GatewayAlive',
          chargePointId: 'CP-1',
          receivedAt: 0,
          direction: 'in',
          gateway: 'g',
        },
      ] satisfies FrameRecord[];
      const to = await publisher();
      const stored = await Promise.all(all.map((record) => to.publishOCPPMessage(record)));
      expect(stored).toEqual(all.map(() => ({ partition: partitionOf('CP-1', PARTITIONS) })));
      const handler = new Recorder();
      await reading(handler);
      await until(() => handler.sink.of('CP-1').length === all.length, 'all read');
      const read = handler.sink.of('CP-1').map(({ partition: _, offset: __, ...record }) => record);
      expect(read).toEqual(all);
      expect(handler.breaches).toEqual([]);
    });

    test('a gateway record goes to every partition, in its place among the others', async () => {
      const to = await publisher();
      const ids = [0, 1, 2].map((partition) => chargePointIn(partition));
      const waiting = ids.map((id) => to.publishOCPPMessage(frame(id, 1)));
      waiting.push(to.publishToAll(frame('gateway-1', 0, { subject: 'GatewayAlive' })) as never);
      waiting.push(...ids.map((id) => to.publishOCPPMessage(frame(id, 2))));
      await Promise.all(waiting);
      const handler = new Recorder();
      await reading(handler);
      await until(() => handler.sink.rows.size === 9, 'all read');
      for (const partition of [0, 1, 2])
        expect(
          [...handler.sink.rows.values()]
            .filter((row) => row.partition === partition)
            .sort((a, b) => a.offset - b.offset)
            .map((row) => row.subject),
        ).toEqual(['Heartbeat', 'GatewayAlive', 'Heartbeat']);
    });

    test('a record that is too large is refused and takes nothing with it', async () => {
      const to = await publisher();
      const before = to.publishOCPPMessage(frame('CP-1', 1));
      const large = to.publishOCPPMessage(frame('CP-1', 2, { body: 'x'.repeat(256 * 1024 + 1) }));
      const most = to.publishOCPPMessage(frame('CP-1', 3, { body: 'x'.repeat(256 * 1024) }));
      await expect(large).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
      await Promise.all([before, most]);
      const handler = new Recorder();
      await reading(handler);
      await until(() => handler.sink.rows.size === 2, 'the others are read');
      expect(handler.sink.of('CP-1').map((row) => row.seq)).toEqual([1, 3]);
    });

    test('close waits for confirms; afterwards nothing is taken', async () => {
      const to = await publisher();
      const last = Promise.all(
        Array.from({ length: 300 }, (_, n) => to.publishOCPPMessage(frame(`CP-${n}`, n))),
      );
      await to.close();
      expect(to.unconfirmed).toBe(0);
      await last;
      await expect(to.publishOCPPMessage(frame('CP-1', 1))).rejects.toMatchObject({
        code: 'PUBLISHER_CLOSED',
      });
      await expect(to.publishToAll(frame('g', 1))).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
    });

    test('a close that cannot wait any longer says that the fate is unknown', async () => {
      const to = await publisher();
      await log.hold();
      const lost = to.publishOCPPMessage(frame('CP-1', 1));
      const outcome = expect(lost).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
      await to.close(50);
      await outcome;
    });

    test('without confirms the publisher is full, then flows again, and no record is lost', async () => {
      const to = await publisher({ maxUnconfirmed: 100 });
      const states: PublisherState[] = [];
      to.onState((state) => states.push(state));
      await log.hold();
      const waiting = Array.from({ length: 150 }, (_, n) => to.publishOCPPMessage(frame('CP-1', n)));
      expect(to.state).toBe('full');
      expect(to.unconfirmed).toBe(150);
      await log.resume();
      await Promise.all(waiting);
      expect(states).toEqual(['full', 'flowing']);
      const handler = new Recorder();
      await reading(handler);
      await until(() => handler.sink.rows.size === 150, 'all read');
      expect(handler.sink.of('CP-1').map((row) => row.seq)).toEqual(Array.from({ length: 150 }, (_, n) => n));
    });

    test('when confirms stay away for long the publisher is stalled until they are back', async () => {
      const to = await publisher();
      const states: PublisherState[] = [];
      const stop = to.onState((state) => states.push(state));
      const wait = log.hold(true);
      const record = to.publishOCPPMessage(frame('CP-1', 1));
      await wait;
      await until(() => to.state === 'stalled', 'stalled');
      await log.resume();
      await record;
      await until(() => to.state === 'flowing', 'flowing');
      expect(states).toEqual(['stalled', 'flowing']);
      stop();
    });

    test('a dropped connection costs no record, repeats none in the log, and keeps the order', async () => {
      const to = await publisher();
      const handler = new Recorder();
      await reading(handler);
      const ids = [0, 1, 2].map((partition) => chargePointIn(partition));
      const waiting: Promise<unknown>[] = [];
      for (let n = 0; n < 2_000; n++) {
        waiting.push(to.publishOCPPMessage(frame(ids[n % 3]!, n)));
        if (n % 10 === 0) await sleep(1);
        if (n % 500 === 250) await log.drop();
      }
      await Promise.all(waiting);
      const seen = () => ids.map((id) => handler.sink.of(id).map((row) => row.seq));
      await until(() => handler.sink.rows.size >= 2_000, 'all read');
      expect(seen()).toEqual(
        [0, 1, 2].map((own) => Array.from({ length: 2_000 }, (_, n) => n).filter((n) => n % 3 === own)),
      );
      expect(handler.breaches).toEqual([]);
    });

    test('a reader goes on after its checkpoint and hands that record to nobody again', async () => {
      const to = await publisher();
      const id = chargePointIn(0);
      for (let n = 0; n < 20; n++) await to.publishOCPPMessage(frame(id, n));
      const first = new Recorder();
      const reader = await reading(first);
      await until(() => first.sink.rows.size === 20, 'first half');
      await reader.close();
      expect(first.held.size).toBe(0);
      for (let n = 20; n < 40; n++) await to.publishOCPPMessage(frame(id, n));
      const second = new Recorder(first.sink);
      await reading(second);
      await until(() => first.sink.rows.size === 40, 'second half');
      expect(first.sink.repeated).toBe(0);
      expect([...first.breaches, ...second.breaches]).toEqual([]);
    });

    test('a checkpoint whose record differs, or lies behind the end of the log, is refused', async () => {
      const to = await publisher();
      const id = chargePointIn(1);
      for (let n = 0; n < 3; n++) await to.publishOCPPMessage(frame(id, n));
      const handler = new Recorder();
      handler.startAt = (partition) =>
        partition === 0
          ? { after: 7, hash: 'x' }
          : partition === 1
            ? { after: 1, hash: 'not that of the record' }
            : { from: 'first' };
      const reader = await reading(handler);
      await until(() => handler.refusals.length === 2, 'two refusals');
      expect(handler.refusals.map(({ code, partition, offset }) => ({ code, partition, offset }))).toEqual(
        expect.arrayContaining([
          { code: 'LOG_DIFFERS_FROM_CHECKPOINT', partition: 0, offset: 7 },
          { code: 'LOG_DIFFERS_FROM_CHECKPOINT', partition: 1, offset: 1 },
        ]),
      );
      expect(handler.sink.rows.size).toBe(0);
      await until(() => reader.active.length === 1, 'the third is read');
      expect(reader.active).toEqual([2]);
    });

    test('a stream that was created again is noticed, not read on', async () => {
      const to = await publisher();
      const id = chargePointIn(2);
      for (let n = 0; n < 5; n++) await to.publishOCPPMessage(frame(id, n));
      await to.close();
      const handler = new Recorder();
      await reading(handler);
      await until(() => handler.sink.rows.size === 5, 'read');
      await log.recreate();
      const again = await publisher();
      for (let n = 100; n < 110; n++) await again.publishOCPPMessage(frame(id, n));
      await until(() => handler.refusals.length > 0, 'refused');
      expect(handler.refusals[0]).toMatchObject({ code: 'LOG_DIFFERS_FROM_CHECKPOINT', partition: 2 });
      expect(handler.sink.rows.size).toBe(5);
    });

    test('a handler that takes its time holds its own partition back and no other', async () => {
      const to = await publisher();
      const [slow, quick] = [chargePointIn(0), chargePointIn(1)];
      await Promise.all(
        Array.from({ length: 200 }, (_, n) => [
          to.publishOCPPMessage(frame(slow, n)),
          to.publishOCPPMessage(frame(quick, n)),
        ]).flat(),
      );
      const handler = new Recorder();
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      handler.onAccept = (record) => (record.partition === 0 ? gate : undefined);
      await reading(handler);
      await until(() => handler.sink.of(quick).length === 200, 'the quick one is through');
      expect(handler.sink.of(slow)).toEqual([]);
      open();
      await until(() => handler.sink.of(slow).length === 200, 'the slow one too');
      expect(handler.breaches).toEqual([]);
    });

    test('a defect in the handler stops its partition at that record and no other', async () => {
      const to = await publisher();
      const [sick, well] = [chargePointIn(0), chargePointIn(1)];
      for (let n = 0; n < 10; n++)
        await Promise.all([to.publishOCPPMessage(frame(sick, n)), to.publishOCPPMessage(frame(well, n))]);
      const handler = new Recorder();
      handler.onAccept = (record) => {
        if (record.partition === 0 && record.seq === 4) throw new Error('a defect');
      };
      const reader = await reading(handler);
      await until(() => handler.sink.of(well).length === 10 && handler.refusals.length === 1, 'stopped');
      expect(handler.refusals[0]).toMatchObject({ code: 'POISON_RECORD', partition: 0 });
      expect(handler.sink.of(sick).map((row) => row.seq)).toEqual([0, 1, 2, 3]);
      await to.publishOCPPMessage(frame(well, 10));
      await until(() => handler.sink.of(well).length === 11, 'the other goes on');
      expect(reader.active).not.toContain(0);
    });

    test('the owner of the handler can stop a partition', async () => {
      const to = await publisher();
      const id = chargePointIn(1);
      await to.publishOCPPMessage(frame(id, 1));
      const handler = new Recorder();
      const reader = await reading(handler);
      await until(() => handler.sink.rows.size === 1, 'read');
      const why: Refusal = {
        code: 'TOO_MANY_UNDECODABLE',
        partition: 1,
        message: 'half of them',
        remedy: 'look',
      };
      await reader.refuse(why);
      expect(handler.refusals).toEqual([why]);
      expect(reader.active).not.toContain(1);
      await to.publishOCPPMessage(frame(id, 2));
      await sleep(100);
      expect(handler.sink.rows.size).toBe(1);
    });

    test('two members share the partitions; when one leaves, the other has them all', async () => {
      const to = await publisher();
      const sink = new Sink();
      const [one, two] = [new Recorder(sink), new Recorder(sink)];
      const first = await reading(one, 'shared');
      await until(() => first.active.length === 3, 'alone');
      const second = await reading(two, 'shared');
      await until(
        () => second.active.length > 0 && first.active.length + second.active.length === 3,
        'shared',
      );
      let n = 0;
      const some = () =>
        Promise.all(Array.from({ length: 300 }, () => to.publishOCPPMessage(frame(`CP-${n % 30}`, n++))));
      await some();
      await until(() => sink.rows.size === 300, 'read by both');
      await first.close();
      expect(one.held.size).toBe(0);
      await some();
      await until(() => sink.rows.size === 600, 'read by the one that is left');
      expect([...second.active].sort()).toEqual([0, 1, 2]);
      expect(sink.repeated).toBe(0);
      expect([...one.breaches, ...two.breaches]).toEqual([]);
    });

    test('a member whose state cannot be loaded tries again', async () => {
      const to = await publisher();
      await to.publishOCPPMessage(frame(chargePointIn(0), 1));
      const handler = new Recorder();
      let failures = 0;
      handler.onActivate = (partition) => {
        if (partition === 0 && failures++ < 2) throw new Error('the database is away');
      };
      await reading(handler);
      await until(() => handler.sink.rows.size === 1, 'read in the end');
      expect(failures).toBe(3);
      expect(handler.breaches).toEqual([]);
    });

    test('the inspector tells what is kept, and reads a range without joining anybody', async () => {
      const to = await publisher();
      const id = chargePointIn(1);
      const inspector = keep(log.inspector());
      expect(await inspector.bounds()).toEqual(
        [0, 1, 2].map((partition) => ({ partition, first: undefined, last: undefined })),
      );
      await Promise.all(Array.from({ length: 500 }, (_, n) => to.publishOCPPMessage(frame(id, n))));
      const bounds = await inspector.bounds();
      expect(bounds[0]).toEqual({ partition: 0, first: undefined, last: undefined });
      const { first, last } = bounds[1]!;
      expect(first).toBe(0);
      const all: StoredRecord[] = [];
      for await (const record of inspector.read(1, 0, last!)) all.push(record);
      expect(all.map((record) => record.seq)).toEqual(Array.from({ length: 500 }, (_, n) => n));
      expect(all.at(-1)!.offset).toBe(last);
      const some: number[] = [];
      for await (const record of inspector.read(1, all[100]!.offset, all[109]!.offset))
        some.push(record.seq!);
      expect(some).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
      for await (const record of inspector.read(1, 0, Number.MAX_SAFE_INTEGER)) {
        expect(record.seq).toBe(0);
        break;
      }
      for await (const record of inspector.read(0, 0, 100))
        throw new Error(`nothing is there: ${record.seq}`);
    });
  });
}
