/**
 * A run: rounds of random connections, each drawn from its own seed, beside chargers that behave; after each round
 * everybody has left, and what should be gone is gone. A round is a function of seed and number, so that one that
 * failed can be had again alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { PROTOCOLS, type Protocol } from '../domain/ocpp/record.js';
import { messageOf } from '../platform/errors.js';
import type { Weight } from './ingest-process.js';
import { LogCheck } from './log-check.js';
import { startNeighbours } from './neighbours.js';
import { type System, type SystemOptions, startSystem } from './system.js';
import { talk } from './talk.js';
import { everyAction, talks } from './texts.js';
import { handshakes, shake, violate, violations } from './violations.js';

export interface FuzzOptions extends SystemOptions {
  readonly seed: number;
  /** Ends after the round in which they are over. */
  readonly minutes?: number;
  /** Or after so many rounds. */
  readonly rounds?: number;
  /** This round alone. */
  readonly round?: number;
  /** Connections per round and kind. */
  readonly cases?: number;
  readonly signal?: AbortSignal;
  readonly line?: (text: string) => void;
}

/** A property that did not hold, and how to see it again. */
export interface Finding {
  readonly round: number;
  readonly what: string;
  /** The smallest case that was found, as JSON. */
  readonly example?: string;
}

export interface FuzzOutcome {
  readonly seed: number;
  readonly rounds: number;
  readonly connections: number;
  readonly texts: number;
  readonly answers: number;
  /** Ends of connections by close code, and answers to handshakes by status. */
  readonly endings: Readonly<Record<string, number>>;
  readonly neighbours: { readonly answered: number; readonly slowestMs: number };
  readonly log: { readonly records: number; readonly compared: number };
  readonly archived: number;
  /** After each round, everybody gone. */
  readonly weights: readonly (Weight & { readonly round: number; readonly texts: number })[];
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/** Rounds before growth is judged: caches fill, code is compiled. */
const WARM_UP = 2;
/** What the heap may have grown by since then, however many frames there were. */
const HEAP_BYTES = 8 * 1024 ** 2;
/** The same of the whole process, which also holds what the allocator keeps. */
const RSS_BYTES = 160 * 1024 ** 2;
/** Charge points that take turns, by kind of connection: a reconnect is ordinary. */
const IDS = 50;
const SETTLE_MS = 60_000;
const EXAMPLE_LENGTH = 4_000;

export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const { line = () => {}, signal } = options;
  const system = await startSystem(options);
  try {
    return await new Run(options, system, line).all(signal);
  } finally {
    await system.close();
  }
}

class Run {
  private readonly findings: Finding[] = [];
  private readonly endings = new Map<string, number>();
  private readonly weights: (Weight & { round: number; texts: number })[] = [];
  private readonly check: LogCheck;
  private readonly began = performance.now();
  private connections = 0;
  private texts = 0;
  private answers = 0;
  private round = 0;
  private base: { fds: number; connections: number } | undefined;

  constructor(
    private readonly options: FuzzOptions,
    private readonly system: System,
    private readonly line: (text: string) => void,
  ) {
    this.check = new LogCheck(system.inspector, system.partitions);
  }

  async all(signal?: AbortSignal): Promise<FuzzOutcome> {
    const { minutes, rounds = Number.POSITIVE_INFINITY, round: only } = this.options;
    for (const protocol of PROTOCOLS) await this.say(protocol, everyAction(protocol));
    const neighbours = await startNeighbours(this.system.port);
    const first = only ?? 1;
    const isOver = () =>
      signal?.aborted === true ||
      this.findings.length > 0 ||
      (only === undefined
        ? this.round >= rounds || (minutes !== undefined && this.seconds() >= minutes * 60)
        : this.round >= only);
    try {
      for (this.round = first; ; this.round++) {
        await this.oneRound(signal);
        const weight = this.weights.at(-1);
        this.line(
          `round ${this.round}: ${this.connections} connections, ${this.texts} texts, ${this.answers} answers, ` +
            `${this.check.compared} of them found in the log, heap ${mib(weight?.heap)} MiB, rss ${mib(weight?.rss)} MiB`,
        );
        if (isOver()) break;
      }
    } catch (error) {
      this.found(`the run broke off: ${messageOf(error)}`);
    }
    await neighbours.leave();
    for (const trouble of neighbours.troubles) this.found(trouble);
    await this.guarded('at the end', async () => {
      await this.until('nobody is connected', 'wattstream_ingest_connections', 0);
      await this.until('nothing is unconfirmed', 'wattstream_ingest_unconfirmed', 0);
      for (const wrong of await this.check.read()) this.found(wrong);
    });
    const archived = await this.guarded('analytics', () => this.archived());
    return {
      seed: this.options.seed,
      rounds: this.round - first + 1,
      connections: this.connections,
      texts: this.texts,
      answers: this.answers,
      endings: Object.fromEntries([...this.endings].sort()),
      neighbours: { answered: neighbours.answered, slowestMs: Math.round(neighbours.slowest) },
      log: { records: this.check.records, compared: this.check.compared },
      archived: archived ?? 0,
      weights: this.weights,
      findings: this.findings,
      seconds: Math.round(this.seconds()),
    };
  }

  private seconds(): number {
    return (performance.now() - this.began) / 1_000;
  }

  private async oneRound(signal?: AbortSignal): Promise<void> {
    const { cases = 150 } = this.options;
    const { port } = this.system;
    const kinds = await Promise.allSettled([
      ...PROTOCOLS.map((protocol, kind) =>
        this.property(kind, cases, talks(protocol), (list) => this.say(protocol, list), signal),
      ),
      this.property(
        3,
        cases,
        violations,
        async (given) => {
          this.connections++;
          this.count(`closed ${(await violate(port, this.id('BYTES'), given)) ?? 'without a code'}`);
        },
        signal,
      ),
      this.property(
        4,
        Math.ceil(cases / 3),
        handshakes,
        async (given) => {
          this.connections++;
          this.count(`handshake ${(await shake(port, given)) ?? 'unanswered'}`);
        },
        signal,
      ),
    ]);
    for (const kind of kinds) if (kind.status === 'rejected') throw kind.reason;
    await this.guarded(`after round ${this.round}`, () => this.settled());
  }

  /** One kind of connection, many times. The first that fails is made smaller and noted. */
  private async property<T>(
    kind: number,
    numRuns: number,
    given: fc.Arbitrary<T>,
    hold: (one: T) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const seed = (this.options.seed * 1_000_003 + this.round * 16 + kind) | 0;
    const once = fc.asyncProperty(given, async (one) => {
      fc.pre(signal?.aborted !== true);
      await hold(one);
    });
    const details = await fc.check(once, { seed, numRuns, maxSkipsPerRun: numRuns });
    if (details.counterexample === null) return;
    const example = JSON.stringify(details.counterexample[0], bytesAsText) ?? '';
    this.found(messageOf(details.errorInstance), example.slice(0, EXAMPLE_LENGTH));
  }

  private async say(protocol: Protocol, list: Parameters<typeof talk>[3]): Promise<void> {
    const id = this.id(protocol);
    this.connections++;
    const { answered, sent, ending } = await talk(this.system.port, id, protocol, list);
    this.texts += sent;
    this.answers += answered.length;
    this.count(`closed ${ending?.code ?? 'by the charger'}`);
    // What is no frame at all is answered (2.x), but there is nothing of it that could be kept.
    const kept = answered.filter(({ text }) => isFrame(text));
    this.check.expect(
      id,
      kept.map(({ text }) => text),
    );
  }

  private id(kind: string): string {
    return `FUZZ-${kind}-${this.connections % IDS}`;
  }

  private count(ending: string): void {
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
  }

  private found(what: string, example?: string): void {
    this.line(`✘ ${what}${example === undefined ? '' : `\n  ${example.slice(0, 500)}`}`);
    this.findings.push({ round: this.round, what, ...(example === undefined ? {} : { example }) });
  }

  private async guarded<T>(when: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.found(`${when}: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Everybody but the neighbours has left: so should their sockets, their places in maps, and their garbage. */
  private async settled(): Promise<void> {
    const { system } = this;
    await this.until('all have left', 'wattstream_ingest_connections', PROTOCOLS.length);
    const weight = await system.weigh();
    this.weights.push({ ...weight, round: this.round, texts: this.texts });
    for (const trouble of system.troubles()) this.found(trouble);
    const trouble = await system.analyticsTrouble();
    if (trouble !== undefined) this.found(`analytics: ${trouble}`);
    for (const wrong of await this.check.read()) this.found(wrong);
    if (this.weights.length < WARM_UP) return;
    const fds = await system.ingestMetric('process_open_fds');
    if (this.base === undefined) this.base = { fds, connections: this.connections };
    else await this.until('all sockets are closed', 'process_open_fds', this.base.fds);
    const grown = (what: keyof Weight) => weight[what] - (this.weights[WARM_UP - 1]?.[what] ?? 0);
    for (const [what, most] of [
      ['heap', HEAP_BYTES],
      ['external', HEAP_BYTES],
      ['rss', RSS_BYTES],
    ] as const)
      if (grown(what) > most)
        this.found(`${what} has grown by ${mib(grown(what))} MiB in ${this.texts} texts: something is kept`);
  }

  private async until(what: string, metric: string, most: number): Promise<void> {
    for (const deadline = performance.now() + SETTLE_MS; ; await sleep(50)) {
      const now = await this.system.ingestMetric(metric);
      if (now <= most) return;
      if (performance.now() > deadline)
        throw new Error(`not true: ${what} (${metric} is ${now}, not ${most})`);
    }
  }

  /** Analytics has read all of it: records of the log that are in the archive. */
  private async archived(): Promise<number> {
    const { database, analyticsTrouble } = this.system;
    let last = -1;
    for (let deadline = performance.now() + SETTLE_MS; ; await sleep(200)) {
      const answer = await database.query({
        query: 'SELECT count() AS n FROM frames',
        format: 'JSONEachRow',
      });
      const archived = Number((await answer.json<{ n: string }>())[0]?.n);
      const log = (await this.system.inspector.bounds()).reduce((sum, { last = -1 }) => sum + last + 1, 0);
      if (archived === log) return archived;
      // It may be behind; standing still it is stuck.
      if (archived !== last) deadline = performance.now() + SETTLE_MS;
      last = archived;
      if (performance.now() > deadline)
        throw new Error(
          `${archived} of ${log} records are archived; ${(await analyticsTrouble()) ?? 'ready'}`,
        );
    }
  }
}

function isFrame(text: string): boolean {
  try {
    const frame: unknown = JSON.parse(text);
    return Array.isArray(frame) && typeof frame[0] === 'number';
  } catch {
    return false;
  }
}

const mib = (bytes = 0): string => (bytes / 1024 ** 2).toFixed(1);

const bytesAsText = (_: string, value: unknown): unknown => {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: number[] };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data).toString('hex') : value;
};
