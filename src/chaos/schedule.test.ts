/** A seed is worth something only when it brings the same faults back. */
import { expect, test } from '@jest/globals';
import { seeded } from '../simulator/random.js';
import { FAULTS, faultNamed } from './faults/index.js';
import { schedule } from './schedule.js';
import type { System } from './system/system.js';

const named = (name: string) => ({ name });
/** As much of a system as planning looks at. */
const system = (nodes: number): System =>
  ({
    broker: { nodes: Array.from({ length: nodes }, (_, index) => named(`node-${index + 1}`)) },
    ingests: [named('ingest-1'), named('ingest-2')],
    analytics: [named('analytics-1'), named('analytics-2')],
    clickhouse: named('clickhouse'),
    wires: new Map(
      nodes === 1 ? [named('ingest-1'), named('analytics-1')].map((wire) => [wire.name, wire]) : [],
    ),
    partitions: 4,
    prefix: '',
    fillable: undefined,
  }) as unknown as System;

const drawn = (seed: number, nodes = 1, count = 100) =>
  schedule(system(nodes), FAULTS, { count, durationMs: 60_000, random: seeded(seed, 'faults') }).map(
    ({ atMs, fault, on, what }) => ({ atMs, fault, on, what }),
  );

test('the same seed brings the same faults at the same moments', () => {
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
});

test('they come in order, within the time that was given', () => {
  const times = drawn(7).map(({ atMs }) => atMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.every((at) => at >= 0 && at <= 60_000)).toBe(true);
});

test('in a hundred no kind is missing that this system can have', () => {
  const kinds = (nodes: number) => new Set(drawn(3, nodes).map(({ fault }) => fault));
  const possible = (nodes: number) =>
    FAULTS.filter((fault) => fault.impossible?.(system(nodes)) === undefined).map((fault) => fault.name);
  expect([...kinds(1)].sort()).toEqual(possible(1).sort());
  expect(possible(1)).not.toContain('kill-leader');
  expect(possible(1)).not.toContain('full-disk');
  expect([...kinds(3)].sort()).toEqual(possible(3).sort());
  expect(possible(3)).toContain('kill-leader');
  expect(possible(3)).not.toContain('half-open');
});

test('what keeps the broker away is seldom: a hundred faults are a matter of minutes', () => {
  const broker = drawn(5).filter(({ on }) => on === 'broker');
  expect(broker.length).toBeLessThan(20);
});

test('names are unique, and an unknown one is answered with those there are', () => {
  expect(new Set(FAULTS.map((fault) => fault.name)).size).toBe(FAULTS.length);
  expect(() => faultNamed('flood')).toThrow(expect.objectContaining({ code: 'FAULT_UNKNOWN' }));
});
