import { performance } from 'node:perf_hooks';
import type { Protocol } from '../domain/ocpp/record.js';
import { type Logger, silentLogger } from '../platform/logger.js';
import type { Scenario } from './charger/behaviour.js';
import type { Payload } from './charger/call.js';
import { Charger } from './charger/charger.js';
import { profileOf } from './charger/profile.js';
import { VirtualClock } from './clock.js';
import { Latencies, type LatencySummary } from './latencies.js';
import { Ledger, type LedgerCounts } from './ledger.js';
import { scenarioNamed } from './scenarios/index.js';

export type Version = '1.6' | '2.0.1' | '2.1' | 'mixed';

export interface SimulateOptions {
  /**
   * `ws://host:port/path`; the charge point id is appended. Of several the chargers take turns; one that lost its
   * connection, or found none, tries the next.
   */
  readonly url: string | readonly string[];
  /** How many. Default 10. */
  readonly chargers?: number;
  /** A name of the table in scenarios/, or one of your own. Default `steady`. */
  readonly scenario?: string | Scenario;
  /** Default 1. Same seed, start and answers: same frames, byte for byte. */
  readonly seed?: number;
  /** Default `mixed`. */
  readonly version?: Version;
  /** Virtual seconds per real second; `Infinity` = as fast as answers come. Default: the scenario's. */
  readonly speed?: number;
  /** Virtual milliseconds during which cars arrive. Default: the scenario's. */
  readonly durationMs?: number;
  /**
   * Virtual epoch milliseconds of the beginning. Default: now; for a run faster than life such that it ends
   * before now instead of in the future, which servers rightly distrust (an endless one begins a day ago).
   */
  readonly startAt?: number | undefined;
  /** `closed`: until every session has ended and every frame is answered. `duration`: until the time is up. Default `closed`. */
  readonly until?: 'closed' | 'duration';
  /** Charge point ids are this and a number from 0001. Default `SIM-`. */
  readonly prefix?: string;
  /** Basic authentication, by charge point id. */
  readonly password?: (chargePointId: string) => string | undefined;
  /** Tokens of the drivers, dealt out among the connectors. Default: some for each connector, so that nobody is at two places. */
  readonly idTags?: readonly string[];
  /** Keep frames and closed sessions in the ledger. Default true. */
  readonly keep?: boolean;
  /** Real milliseconds until an unanswered CALL counts as a dead connection. Default 30 000. */
  readonly answerTimeoutMs?: number;
  /** Real milliseconds. Default 1 000 to 30 000. */
  readonly reconnect?: { readonly firstMs: number; readonly maxMs: number };
  /** Handshakes at the same time. Default 100. */
  readonly dialling?: number;
  readonly log?: Logger;
}

export interface Progress extends LedgerCounts {
  readonly chargers: number;
  readonly online: number;
  readonly sessionsOpen: number;
  /** Virtual time as ISO 8601; absent at unlimited speed. */
  readonly time?: string;
  /** Of answers, since the start. */
  readonly answerMs: LatencySummary;
}

export interface Fleet {
  readonly ledger: Ledger;
  /** Resolves when the run is over (see `until`) or was stopped. Never rejects. */
  readonly done: Promise<void>;
  progress(): Progress;
  /** What a charger keeps of its local list: what is said of each token. undefined: there is no such charger. */
  localListOf(
    chargePointId: string,
  ): { readonly version: number; readonly entries: ReadonlyMap<string, Payload> } | undefined;
  /** No car comes any more; with `until: 'closed'` the run is over when those that are here have left. */
  closeDoors(): void;
  /** Finishes nothing: closes every socket with 1000. */
  stop(): Promise<void>;
}

/** Runs a scenario to its end; returns what really happened. */
export async function simulate(options: SimulateOptions & { signal?: AbortSignal }): Promise<Ledger> {
  const fleet = startFleet(options);
  const abort = () => void fleet.stop();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    await fleet.done;
  } finally {
    options.signal?.removeEventListener('abort', abort);
    await fleet.stop();
  }
  return fleet.ledger;
}

/** Six in ten speak 1.6, three 2.0.1, one 2.1: about what is in the field, and each soon met in a small fleet. */
const MIXED: readonly Protocol[] = [
  'ocpp1.6',
  'ocpp2.0.1',
  'ocpp1.6',
  'ocpp2.1',
  'ocpp1.6',
  'ocpp2.0.1',
  'ocpp1.6',
  'ocpp1.6',
  'ocpp2.0.1',
  'ocpp1.6',
];

/** Tags of a connector's own: three people take turns. At most 20 characters (OCPP 1.6, 7.28 IdToken). */
const ownTag = (index: number, connectorId: number, nth: number): string =>
  `TAG${index + 1}C${connectorId}${'ABC'[nth % 3]}`;

/** Powers up the chargers and returns at once. Throws SCENARIO_UNKNOWN. */
export function startFleet(options: SimulateOptions): Fleet {
  const scenario =
    typeof options.scenario === 'object' ? options.scenario : scenarioNamed(options.scenario ?? 'steady');
  const { chargers: count = 10, seed = 1, version = 'mixed', until = 'closed', idTags } = options;
  const urls = typeof options.url === 'string' ? [options.url] : options.url;
  const { prefix = 'SIM-', log = silentLogger } = options;
  const speed = options.speed ?? scenario.speed;
  const durationMs = options.durationMs ?? scenario.durationMs;
  const startAt =
    options.startAt ?? defaultStart(speed, durationMs + (until === 'closed' ? scenario.tailMs : 0));
  const ledger = new Ledger({ keep: options.keep ?? true });
  const clock = new VirtualClock(startAt, speed);
  const wall = new VirtualClock(0, 1);
  const latencies = new Latencies();
  const dialler = new Dialler(options.dialling ?? 100);
  const settled = new Set<Charger>();
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let lastFault = 0;

  const chargers = Array.from({ length: count }, (_, index) => {
    const chargePointId = `${prefix}${String(index + 1).padStart(4, '0')}`;
    const protocol = version === 'mixed' ? MIXED[index % MIXED.length]! : (`ocpp${version}` as Protocol);
    const charger: Charger = new Charger({
      seed,
      urls: [...urls.slice(index % urls.length), ...urls.slice(0, index % urls.length)],
      scenario,
      startAt,
      clock,
      wall,
      ledger,
      profile: profileOf(seed, chargePointId, index, protocol),
      password: options.password?.(chargePointId),
      endAt: startAt + durationMs,
      finishes: until === 'closed',
      answerTimeoutMs: options.answerTimeoutMs ?? 30_000,
      reconnect: options.reconnect ?? { firstMs: 1_000, maxMs: 30_000 },
      idTag: (profile, connectorId, nth) =>
        idTags === undefined
          ? ownTag(profile.index, connectorId, nth)
          : idTags[(profile.index * 2 + connectorId - 1 + nth * 2 * count) % idTags.length]!,
      dial: (open) => dialler.dial(open),
      dialled: () => dialler.done(),
      answeredIn: (ms) => latencies.record(ms),
      onSettled: (isSettled) => {
        if (isSettled) settled.add(charger);
        else settled.delete(charger);
        if (settled.size === count) finish();
      },
      onConnectionLost: (code, reason) => {
        // One line for all: a server that goes away takes thousands with it.
        const now = performance.now();
        if (now - lastFault < 5_000) return;
        lastFault = now;
        log.warn(
          { chargePointId, code, reason, urls },
          'a charger lost its connection, or found none; it tries again',
        );
      },
    });
    return charger;
  });

  if (until === 'duration' && Number.isFinite(durationMs) && Number.isFinite(speed))
    clock.wake(startAt + durationMs, finish);
  for (const charger of chargers) charger.start();
  if (count === 0) finish();

  return {
    ledger,
    done,
    progress: () => ({
      chargers: count,
      online: chargers.filter((charger) => charger.online).length,
      sessionsOpen: ledger.counts.sessionsStarted - ledger.counts.sessionsClosed,
      ...(Number.isFinite(speed) ? { time: new Date(clock.now()).toISOString() } : {}),
      ...ledger.counts,
      answerMs: latencies.summary(),
    }),
    localListOf(chargePointId) {
      const memory = chargers.find(({ profile }) => profile.chargePointId === chargePointId)?.memory;
      return (
        memory && {
          version: memory.localListVersion,
          entries: new Map([...memory.localList.values()].map(({ token, info }) => [token, info])),
        }
      );
    },
    closeDoors() {
      for (const charger of chargers) charger.closeDoors();
    },
    async stop() {
      dialler.stop();
      for (const charger of chargers) charger.halt();
      clock.stop();
      wall.stop();
      finish();
      // One turn, so that the close frames are on their way.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** An endless run faster than life begins this long ago: it has that much to catch up before it is ahead of its time. */
const ENDLESS_HEAD_START_MS = 86_400_000;

/** Whole seconds, so that frames are easy on the eye. */
function defaultStart(speed: number, lastsMs: number): number {
  const ranMs = Number.isFinite(lastsMs) ? lastsMs * (1 - 1 / speed) : ENDLESS_HEAD_START_MS;
  return Math.floor((Date.now() - (speed > 1 ? ranMs : 0)) / 1_000) * 1_000;
}

/** Lets so many handshakes happen at a time: a listener's backlog is short, a refused SYN costs a second. */
class Dialler {
  private readonly waiting: (() => void)[] = [];
  private inFlight = 0;

  constructor(private readonly limit: number) {}

  dial(open: () => void): void {
    if (this.inFlight >= this.limit) {
      this.waiting.push(open);
      return;
    }
    this.inFlight++;
    open();
  }

  done(): void {
    this.inFlight--;
    if (this.inFlight >= this.limit) return;
    const open = this.waiting.shift();
    if (open === undefined) return;
    this.inFlight++;
    open();
  }

  stop(): void {
    this.waiting.length = 0;
  }
}
