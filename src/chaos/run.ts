/**
 * One run: the system comes up, chargers charge, faults come and go, everything is mended, chargers finish what
 * they have, analytics becomes level with the log, and then the tables are compared with what the chargers know.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../platform/errors.js';
import type { LedgerFrame } from '../simulator/ledger.js';
import { seeded } from '../simulator/random.js';
import type { StoredRecord } from '../streams/ports.js';
import type { Check, Evidence } from './checks/check.js';
import { CHECKS } from './checks/index.js';
import type { Fault } from './faults/fault.js';
import { FAULTS } from './faults/index.js';
import { runFaults } from './inject.js';
import { type Load, startLoad } from './load.js';
import type { DeliveredCall, Json } from './oracle/delivered.js';
import type { CheckOutcome, RunOutcome } from './outcome.js';
import type { Broker } from './ports.js';
import { Protocol } from './protocol.js';
import { type Scheduled, schedule } from './schedule.js';
import { readLog, untilLevel } from './system/level.js';
import type { Part } from './system/part.js';
import { createSystem, type System, type SystemOptions } from './system/system.js';

export interface RunOptions {
  readonly broker: Broker;
  /** RabbitMQ's, for the report. */
  readonly brokerVersion?: string;
  readonly seed: number;
  readonly minutes: number;
  readonly faults: number;
  readonly chargers: number;
  /** Sessions take so many times less than usual, for a short run. Default 1. */
  readonly hurry?: number;
  /** Default: all. */
  readonly only?: readonly Fault[];
  /** Instead of drawn ones. */
  readonly planned?: (system: System) => readonly Scheduled[];
  readonly checks?: readonly Check[];
  readonly broken?: SystemOptions['broken'];
  /** Everything of this run is kept below it. */
  readonly folder: string;
  readonly partitions?: number;
  readonly line: (text: string) => void;
  readonly signal?: AbortSignal;
}

const LIVE = 1;
const READY_MS = 180_000;
const STUCK_MS = 120_000;
const ATTEMPTS = 4;

export async function run(options: RunOptions): Promise<RunOutcome> {
  const { broker, seed, minutes, chargers, folder, signal, partitions = 4 } = options;
  const protocol = new Protocol(options.line);
  let fromOutside = 0;
  const outside = (what: string) => {
    fromOutside++;
    protocol.say('outside', what);
  };
  let crashes = 0;
  const complaints = new Map<string, number>();
  const system = await createSystem({
    broker,
    folder,
    partitions,
    prefix: `chaos-${seed}-${Date.now().toString(36)}.`,
    ...(options.broken === undefined ? {} : { broken: options.broken }),
    listener: {
      diedFromOutside: (part: Part, how: string) => outside(`${part.name} ended (${how})`),
      crashed: (part: Part, how: string) => {
        crashes++;
        protocol.say('outside', `${part.name} ended BY ITSELF (${how}); see its log`);
      },
      said: (part: Part, line: string) => {
        const what = `${part.name} ${line}`.replace(/\d+/g, 'n').slice(0, 160);
        complaints.set(what, (complaints.get(what) ?? 0) + 1);
      },
    },
  });
  let over = false;
  broker.onDeath((node) => {
    if (over) return;
    outside(`${node.name} ended; it is started again`);
    void node.start().catch((error: unknown) => protocol.say('system', messageOf(error)));
  });

  const counted: Record<string, number> = {};
  const faults = options.only ?? FAULTS;
  const impossible = Object.fromEntries(
    faults.flatMap((fault) => {
      const why = fault.impossible?.(system);
      return why === undefined ? [] : [[fault.name, why]];
    }),
  );
  const checks: CheckOutcome[] = [];
  let load: Load | undefined;
  let broken: string | undefined;
  const watching = new AbortController();
  try {
    await system.start();
    protocol.say('system', 'everything is up');
    load = startLoad({
      urls: system.urls,
      chargers,
      seed,
      random: seeded(seed, 'load'),
      hurry: options.hurry ?? 1,
    });
    void watch(system, load, protocol, watching.signal);
    const plan =
      options.planned?.(system) ??
      schedule(system, faults, {
        count: options.faults,
        durationMs: minutes * 60_000,
        random: seeded(seed, 'faults'),
      });
    await runFaults(plan, protocol, signal, (fault) => {
      counted[fault] = (counted[fault] ?? 0) + 1;
    });
    await mend(system, protocol, outside);
    signal?.throwIfAborted();
    protocol.say('system', 'no fault any more; the chargers finish what they have');
    await untilFinished(load, signal);
    await load.stop();
    // Gateways say every half minute that they live: without them the log stands still.
    await Promise.all(system.ingests.map((part) => part.leave()));
    await untilLevel(system, LIVE, (text) => protocol.say('progress', text), signal);
    protocol.say('system', 'analytics is level with the log');
    const say = (text: string) => protocol.say('progress', text);
    const all = load;
    const evidence = await patiently(system, protocol, () => gather(system, all, say));
    for (const check of options.checks ?? CHECKS) {
      signal?.throwIfAborted();
      const outcome = await runCheck(check, evidence, (work) => patiently(system, protocol, work));
      checks.push(outcome);
      protocol.say('check', `${check.name}: ${outcome.differences} differences`);
      for (const one of outcome.first.slice(0, 3)) protocol.say('system', one.slice(0, 400));
    }
  } catch (error) {
    broken = signal?.aborted ? 'it was interrupted' : messageOf(error);
    protocol.say('system', `not to its end: ${broken}`);
  } finally {
    over = true;
    watching.abort();
    await load?.stop();
    await system.stop();
  }
  const delivered = load?.progress();
  return {
    seed,
    settings: {
      minutes,
      faults: options.faults,
      chargers,
      nodes: broker.nodes.length,
      partitions,
      only: options.only?.map((fault) => fault.name).join(','),
    },
    versions: { ...versionsOf(options.brokerVersion) },
    faults: counted,
    impossible,
    fromOutside,
    crashes,
    complaints: Object.fromEntries([...complaints].sort(([, a], [, b]) => b - a).slice(0, 40)),
    scenarios: Object.fromEntries(load?.played ?? []),
    load: delivered ?? NO_LOAD,
    checks,
    differences: checks.reduce((sum, check) => sum + check.differences, 0),
    broken,
    seconds: protocol.now / 1_000,
    protocol: protocol.entries,
  };
}

const NO_LOAD = {
  fleets: 0,
  chargers: 0,
  online: 0,
  answered: 0,
  resent: 0,
  sessionsClosed: 0,
  sessionsOpen: 0,
  connects: 0,
  discarded: 0,
};

/** Every process lives, is awake and ready, whoever had put it down. */
async function mend(system: System, protocol: Protocol, outside: (what: string) => void): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (const wire of system.wires.values()) {
    for (const way of wire.ways) {
      way.slow(undefined);
      way.refuse(false);
      way.thaw();
    }
  }
  await Promise.all(
    system.broker.nodes.map(async (node) => {
      node.resume();
      if (!node.running) await node.start();
    }),
  );
  for (const part of system.parts) {
    if (!part.wanted) void part.start();
    while (!(await part.isReady())) {
      if (part.paused) {
        outside(`${part.name} was halted; woken up`);
        part.wake();
      }
      if (Date.now() > deadline) throw new Error(`${part.name} does not come up again: ${await part.why()}`);
      await sleep(100);
    }
  }
  protocol.say('system', 'everything is up again');
}

/** How it goes, every few seconds; and who is away. */
async function watch(system: System, load: Load, protocol: Protocol, signal: AbortSignal): Promise<void> {
  const down = new Set<string>();
  for (let round = 0; !signal.aborted; round++) {
    for (const part of system.parts) {
      const ready = await part.isReady();
      if (!ready) down.add(part.name);
      else if (down.delete(part.name) && !signal.aborted)
        protocol.say('system', `${part.name} is ready again`);
    }
    if (round % 20 === 0 && !signal.aborted) {
      const { online, answered, resent, sessionsClosed, sessionsOpen } = load.progress();
      protocol.say(
        'progress',
        `${online} chargers online, ${answered} frames answered, ${resent} sent again, sessions ${sessionsClosed} closed ${sessionsOpen} open${down.size > 0 ? `; away: ${[...down].join(', ')}` : ''}`,
      );
    }
    await sleep(250);
  }
}

/** Sessions take their time; but when no frame is answered for long while some are open, something is stuck. */
async function untilFinished(load: Load, signal?: AbortSignal): Promise<void> {
  let finished = false;
  const finishing = load.finish().then(() => {
    finished = true;
  });
  let answered = -1;
  let progressAt = Date.now();
  while (!finished) {
    const now = load.progress();
    if (now.answered !== answered) {
      answered = now.answered;
      progressAt = Date.now();
    }
    if (Date.now() - progressAt > STUCK_MS)
      throw new Error(
        `the chargers are stuck: no frame was answered for ${STUCK_MS / 1_000} s, ${now.sessionsOpen} sessions are open, ${now.online} chargers online`,
      );
    await Promise.race([finishing, sleep(500)]);
    signal?.throwIfAborted();
  }
}

/** What somebody's kill from outside has disturbed is done once more when everything is up again. */
async function patiently<T>(system: System, protocol: Protocol, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      protocol.say('system', `disturbed (${messageOf(error)}); once more`);
      await Promise.race([system.clickhouse.untilReady(), sleep(READY_MS)]);
      for (const node of system.broker.nodes) if (!node.running) await node.start().catch(() => {});
      await sleep(1_000);
    }
  }
}

/** Reads the log, and finds in it what each charger delivered. */
async function gather(system: System, load: Load, say: (text: string) => void): Promise<Evidence> {
  const log = await readLog(system);
  const delivered = load.delivered();
  const sent = new Map(delivered.frames.map((frame) => [`${frame.chargePointId} ${frame.messageId}`, frame]));
  const calls = new Map<string, DeliveredCall[]>();
  const add = (frame: LedgerFrame, record: StoredRecord | undefined) => {
    const own = calls.get(frame.chargePointId) ?? [];
    own.push(callOf(frame, record));
    calls.set(frame.chargePointId, own);
  };
  const arrived = new Set<LedgerFrame>();
  for (const record of log) {
    const frame = sent.get(`${record.chargePointId} ${record.messageId}`);
    if (frame === undefined || record.direction !== 'in') continue;
    arrived.add(frame);
    add(frame, record);
  }
  // What was answered and is not in the log is missed by the tables as well.
  for (const frame of delivered.frames)
    if (frame.answers.length > 0 && !arrived.has(frame)) add(frame, undefined);
  say(
    `${log.length} records in the log, ${delivered.frames.length} frames and ${delivered.sessions.length} sessions of chargers`,
  );
  return { system, delivered, log, calls, say };
}

function callOf(frame: LedgerFrame, record: StoredRecord | undefined): DeliveredCall {
  const { chargePointId, protocol, action, text, answers } = frame;
  const answered = answers[0] === undefined ? undefined : (JSON.parse(answers[0]) as unknown[])[2];
  const told = record?.answer === undefined ? undefined : (JSON.parse(record.answer) as unknown);
  return {
    chargePointId,
    protocol,
    action,
    payload: (JSON.parse(text) as unknown[])[3] as Json,
    answer: (answered ?? told) as Json | undefined,
    receivedAt: record?.receivedAt,
  };
}

async function runCheck(
  { name, about, run: look }: Check,
  evidence: Evidence,
  again: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<CheckOutcome> {
  try {
    const { compared, differences } = await again(() => look(evidence));
    return { name, about, compared, differences: differences.count, first: differences.first };
  } catch (error) {
    return {
      name,
      about,
      compared: {},
      differences: 1,
      first: [`the check itself failed: ${messageOf(error)}`],
    };
  }
}

function versionsOf(rabbitmq: string | undefined): Record<string, string> {
  const text = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return {
    wattstream: version,
    node: process.version,
    ...(rabbitmq === undefined ? {} : { RabbitMQ: rabbitmq }),
  };
}
