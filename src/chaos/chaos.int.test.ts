/**
 * The short form of `npm run chaos`, with a fixed seed; and the suite's own test: with a guarantee taken out of the
 * product it must find differences, or its silence about the product means nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Cluster, startCluster } from '../../setup/broker/cluster.mjs';
import { privateProgram } from '../../setup/broker/program.mjs';
import { announcements } from './checks/announcements.js';
import { answeredIsKept } from './checks/answered-is-kept.js';
import { archive } from './checks/archive.js';
import { secondPass } from './checks/second-pass.js';
import { killBroker } from './faults/broker.js';
import { analyticsJoins, ingestLeaves } from './faults/comings-and-goings.js';
import { cutOffAndKill, cutOffAndKilled } from './faults/cut-off-and-killed.js';
import { fullDisk } from './faults/full-disk.js';
import { haltClickHouse, zombie } from './faults/halts.js';
import { killAnalytics, killClickHouse, killIngest, killPart } from './faults/kills.js';
import { halfOpen, partialFrame, slowBroker } from './faults/wires.js';
import { type RunOptions, run } from './run.js';
import type { Scheduled } from './schedule.js';
import type { System } from './system/system.js';

/** Where no private node can be had (an ordinary user without RabbitMQ) there is nothing that may be killed. */
const program = await privateProgram();
const possible = program ? describe : describe.skip;
const folder = mkdtempSync(join(tmpdir(), 'wattstream-chaos-'));

let broker: Cluster;
const said: string[] = [];

beforeAll(async () => {
  if (program) broker = await startCluster({ dataDir: join(folder, 'rabbitmq'), program, size: 1 });
}, 240_000);

afterAll(async () => {
  await broker?.stop({ now: true });
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const short = (name: string, options: Partial<RunOptions>): ReturnType<typeof run> =>
  run({
    broker,
    seed: 20_261_124,
    minutes: 0.25,
    faults: 0,
    chargers: 12,
    hurry: 4,
    folder: join(folder, name),
    line: (text) => said.push(text),
    ...options,
  });

/** What was said is what a person needs when this fails on a machine that nobody can look into. */
const story = (differences: readonly string[]): string => [...differences, ...said.splice(0)].join('\n');

possible('chaos', () => {
  test('faults of every kind, and no difference', async () => {
    const outcome = await short('short', {
      faults: 14,
      only: [
        ...[killIngest, killAnalytics, killClickHouse, killBroker, cutOffAndKilled],
        ...[halfOpen, partialFrame, slowBroker, zombie, haltClickHouse, fullDisk],
        ...[ingestLeaves, analyticsJoins],
      ].map((fault) => ({ ...fault, share: 1 })),
    });
    const first = outcome.checks.flatMap((check) => check.first);
    if (outcome.differences > 0 || outcome.broken !== undefined) throw new Error(story(first));
    expect(outcome.checks.map((check) => check.name)).toHaveLength(6);
    expect(Object.keys(outcome.faults).length).toBeGreaterThanOrEqual(10);
    // It looked at something.
    for (const check of outcome.checks)
      expect(Math.min(...Object.values(check.compared).slice(0, 1))).toBeGreaterThan(0);
    expect(outcome.load.sessionsClosed).toBeGreaterThan(10);
    said.length = 0;
  }, 600_000);

  test('an ingest that answers before the confirm is found out', async () => {
    const outcome = await short('early', {
      broken: { ingest: 'answer-before-confirm' },
      planned: (system) =>
        system.ingests.map((part, index) => ({
          ...cutOffAndKill(system, part, 3_000),
          fault: cutOffAndKilled.name,
          atMs: 3_000 + 4_000 * index,
        })),
      checks: [answeredIsKept],
    });
    expect(outcome.broken).toBeUndefined();
    expect(outcome.checks[0]?.first[0]).toMatch(/answered \d+ times, in the log 0 times/);
    said.length = 0;
  }, 300_000);

  test('an analytics whose checkpoint overtakes its rows is found out', async () => {
    const outcome = await short('overtaken', {
      broken: { analytics: 'checkpoint-before-rows' },
      planned: (system) => [...killsOf(system, 4_000), ...killsOf(system, 7_000)],
      checks: [archive, secondPass],
    });
    expect(outcome.broken).toBeUndefined();
    expect(outcome.checks.map((check) => check.differences > 0)).toEqual([true, true]);
    said.length = 0;
  }, 300_000);

  test('an analytics whose checkpoint overtakes its announcements is found out', async () => {
    const outcome = await short('unheard', {
      broken: { analytics: 'checkpoint-before-confirms' },
      planned: (system) => [...killsOf(system, 4_000), ...killsOf(system, 7_000)],
      checks: [announcements],
    });
    expect(outcome.broken).toBeUndefined();
    expect(outcome.checks[0]?.first.join()).toContain('never announced');
    said.length = 0;
  }, 300_000);
});

const killsOf = ({ analytics }: System, atMs: number): Scheduled[] =>
  analytics.map((part) => ({
    fault: killAnalytics.name,
    on: part.name,
    what: `kill -9 ${part.name}`,
    atMs,
    run: (context) => killPart(part, context),
  }));
