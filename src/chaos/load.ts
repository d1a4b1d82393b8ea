/**
 * The chargers: simulated ones of several scenarios, spread over the ingest processes, that move to the other one
 * when their connection is lost. Each scenario is played again, by new chargers, as soon as it is over.
 *
 * Two kinds of time: chargers in real time keep frames flowing through every fault; chargers in virtual time
 * deliver hours of energy within seconds. The latter live some days ago, so that nothing they say lies near the
 * times at which anything is received.
 */
import type { Scenario } from '../simulator/charger/behaviour.js';
import { type Fleet, startFleet } from '../simulator/fleet.js';
import type { LedgerFrame, LedgerSession } from '../simulator/ledger.js';
import type { Random } from '../simulator/random.js';
import { scenarioNamed } from '../simulator/scenarios/index.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Play {
  readonly scenario: Scenario;
  /** Virtual seconds per real second. */
  readonly speed: number;
  readonly durationMs: number;
}

/** Sessions of up to half a minute in real time. Their readings come every two seconds. */
const live = (longestSeconds: number): Play => ({
  scenario: {
    ...scenarioNamed('steady'),
    name: 'live',
    durationMs: Number.POSITIVE_INFINITY,
    sampleSeconds: 2,
    visit: (context) => ({
      ...scenarioNamed('steady').visit(context),
      afterMs: context.random.whole(200, 4_000),
      tapAfterMs: context.random.whole(100, 1_500),
      stayMs: context.random.whole(3, longestSeconds) * SECOND,
      unplugAfterMs: 3 * SECOND,
    }),
  },
  speed: 1,
  durationMs: Number.POSITIVE_INFINITY,
});
const LIVE_SECONDS = 30;

const fast = (name: string, speed: number, durationMs = scenarioNamed(name).durationMs): Play => ({
  scenario: scenarioNamed(name),
  speed,
  durationMs,
});

const offlineQueue = scenarioNamed('offline-queue');

/** About half a minute each. */
const FAST: readonly Play[] = [
  fast('day', 1_200, 12 * HOUR),
  fast('rush-hour', 150),
  fast('blackout', 200),
  fast('duplicate-storm', 150),
  {
    // Chargers that say -1 for ever after a lost answer are left to the tests of the rules: what they deliver
    // does not say which session it is.
    scenario: {
      ...offlineQueue,
      faults: (context) => ({ ...offlineQueue.faults(context), losesOfflineIds: false }),
    },
    speed: 1_200,
    durationMs: offlineQueue.durationMs,
  },
  fast('clock-skew', 300),
  fast('meter-reset', 300),
];

/** Scenarios in virtual time that are played at one time. */
const AT_A_TIME = 3;
/** Further back than any virtual clock runs in a run of hours. */
const LONG_AGO = 30 * DAY;

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly chargers: number;
  readonly seed: number;
  readonly random: Random;
  /** Everything takes so many times less than usual. Default 1. */
  readonly hurry?: number;
}

export interface LoadProgress {
  readonly fleets: number;
  readonly chargers: number;
  readonly online: number;
  readonly answered: number;
  readonly resent: number;
  readonly sessionsClosed: number;
  readonly sessionsOpen: number;
  readonly connects: number;
  readonly discarded: number;
}

/** What the chargers know. */
export interface Delivered {
  readonly frames: readonly LedgerFrame[];
  readonly sessions: readonly LedgerSession[];
}

export interface Load {
  /** Scenarios played, by name. */
  readonly played: ReadonlyMap<string, number>;
  progress(): LoadProgress;
  /** No car comes any more, nothing is played again. Resolves when every session has ended and been delivered. */
  finish(): Promise<void>;
  /** Closes every socket. */
  stop(): Promise<void>;
  /** Charge points of one fleet have one ledger; this is all of them. */
  delivered(): Delivered;
}

export function startLoad({ urls, chargers, seed, random, hurry = 1 }: LoadOptions): Load {
  const fleets: Fleet[] = [];
  const playing = new Set<Promise<void>>();
  const played = new Map<string, number>();
  let finishing = false;

  const play = ({ scenario, speed, durationMs }: Play, count: number): Fleet => {
    const number = fleets.length + 1;
    played.set(scenario.name, (played.get(scenario.name) ?? 0) + 1);
    const fleet = startFleet({
      url: urls,
      chargers: count,
      scenario,
      speed,
      durationMs,
      seed: seed + number,
      prefix: `${scenario.name.toUpperCase()}-${number}-`,
      ...(speed === 1 ? {} : { startAt: wholeSeconds(Date.now() - LONG_AGO) }),
      answerTimeoutMs: random.pick([8_000, 12_000, 30_000]),
      reconnect: { firstMs: 300, maxMs: 3_000 },
    });
    fleets.push(fleet);
    const over = fleet.done.then(async () => {
      await fleet.stop();
      playing.delete(over);
    });
    playing.add(over);
    return fleet;
  };

  const inRealTime = Math.max(1, Math.floor(chargers / 2));
  play(live(Math.ceil(LIVE_SECONDS / hurry)), inRealTime);
  let deck: Play[] = [];
  const next = (count: number): void => {
    if (finishing) return;
    if (deck.length === 0) deck = shuffled(FAST, random);
    const one = deck.pop() as Play;
    const fleet = play({ ...one, speed: one.speed * hurry }, count);
    void fleet.done.then(() => next(count));
  };
  for (let lane = 0; lane < AT_A_TIME; lane++)
    next(Math.max(1, Math.ceil((chargers - inRealTime) / AT_A_TIME)));

  return {
    played,
    progress() {
      const all = fleets.map((fleet) => fleet.progress());
      const sum = (pick: (one: (typeof all)[number]) => number) =>
        all.reduce((total, one) => total + pick(one), 0);
      const open = all.slice(-AT_A_TIME).concat(all.slice(0, 1));
      return {
        fleets: all.length,
        chargers: open.reduce((total, one) => total + one.chargers, 0),
        online: sum((one) => one.online),
        answered: sum((one) => one.answered),
        resent: sum((one) => one.resent),
        sessionsClosed: sum((one) => one.sessionsClosed),
        sessionsOpen: sum((one) => one.sessionsOpen),
        connects: sum((one) => one.connects),
        discarded: sum((one) => one.discarded),
      };
    },
    async finish() {
      finishing = true;
      for (const fleet of fleets) fleet.closeDoors();
      while (playing.size > 0) await Promise.all(playing);
    },
    async stop() {
      finishing = true;
      await Promise.all(fleets.map((fleet) => fleet.stop()));
    },
    delivered: () => ({
      frames: fleets.flatMap((fleet) => fleet.ledger.frames),
      sessions: fleets.flatMap((fleet) => fleet.ledger.sessionList()),
    }),
  };
}

const wholeSeconds = (at: number): number => Math.floor(at / SECOND) * SECOND;

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(random.whole(0, left.length - 1), 1));
  return order;
}
