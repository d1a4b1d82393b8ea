import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { WattstreamError } from '../platform/errors.js';
import { VirtualClock } from './clock.js';
import { Latencies, type LatencySummary } from './latencies.js';
import { ACTIONS_OF, bootText, type LoadAction, renderLoad } from './load/frames.js';
import { seeded } from './random.js';

export type { LoadAction } from './load/frames.js';

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  /** Measured time, after the warm-up. */
  readonly seconds: number;
  /** Default 2. */
  readonly warmupSeconds?: number;
  /** Default 1.6. */
  readonly version?: '1.6' | '2.0.1';
  /** Weights. Default for 1.6: MeterValues 85, StatusNotification 5, Heartbeat 4, Start and StopTransaction 3 each. */
  readonly mix?: Partial<Record<LoadAction, number>>;
  /** CALLs a connection has outstanding. OCPP-J allows one, which is the default. */
  readonly pipelining?: number;
  /**
   * CALLs per second over all connections. Absent: the next one as soon as the last is answered. With it, a
   * latency counts from when the CALL was due, not from when there was room for it, so a server that stalls
   * does not hide it (no coordinated omission).
   */
  readonly rate?: number;
  /** Charge point ids are this and a number from 0001. Default `LOAD-`. */
  readonly prefix?: string;
  readonly password?: (chargePointId: string) => string | undefined;
  /** Handshakes at the same time. Default 100. */
  readonly dialling?: number;
  readonly signal?: AbortSignal;
}

/** Counts are of the measured time alone. */
export interface LoadReport {
  readonly connections: number;
  readonly seconds: number;
  /** CALLRESULTs. */
  readonly answered: number;
  readonly answeredPerSecond: number;
  readonly callErrors: number;
  /** Connections lost on the way; each is opened again after a second. */
  readonly lost: number;
  readonly bytesSent: number;
  readonly byAction: Partial<Record<LoadAction, number>>;
  readonly latencyMs: LatencySummary;
}

const DEFAULT_MIX: Record<'1.6' | '2.0.1', Partial<Record<LoadAction, number>>> = {
  '1.6': {
    MeterValues: 85,
    StatusNotification: 5,
    Heartbeat: 4,
    StartTransaction: 3,
    StopTransaction: 3,
  },
  '2.0.1': { TransactionEvent: 95, Heartbeat: 5 },
};
const RECONNECT_MS = 1_000;

/**
 * Puts a server under load: every connection keeps its CALLs outstanding, answers are counted when their id
 * comes back in a CALLRESULT. Throws LOAD_MIX_INVALID, and LOAD_NOT_CONNECTED when a handshake or a boot fails
 * at the start.
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const {
    connections: count,
    seconds,
    warmupSeconds = 2,
    version = '1.6',
    prefix = 'LOAD-',
    signal,
  } = options;
  const run: Run = {
    options,
    version,
    deck: deckOf(version, options.mix ?? DEFAULT_MIX[version]),
    wall: new VirtualClock(0, 1),
    gapMs: options.rate === undefined ? 0 : (1_000 * count) / options.rate,
    tally: newTally(),
    sending: false,
    over: false,
  };
  const connections = Array.from(
    { length: count },
    (_, index) => new Connection(run, `${prefix}${String(index + 1).padStart(4, '0')}`, index),
  );
  try {
    const queue = connections.values();
    const dial = async () => {
      for (const connection of queue) {
        signal?.throwIfAborted();
        await connection.open();
      }
    };
    await Promise.all(Array.from({ length: options.dialling ?? 100 }, dial));
    run.sending = true;
    for (const connection of connections) connection.begin();
    await pause(warmupSeconds, signal);
    run.tally = newTally();
    const began = performance.now();
    await pause(seconds, signal);
    const took = (performance.now() - began) / 1_000;
    const { tally } = run;
    return {
      connections: count,
      seconds: took,
      answered: tally.answered,
      answeredPerSecond: tally.answered / took,
      callErrors: tally.callErrors,
      lost: tally.lost,
      bytesSent: tally.bytesSent,
      byAction: tally.byAction,
      latencyMs: tally.latencies.summary(),
    };
  } finally {
    run.over = true;
    run.wall.stop();
    for (const connection of connections) connection.close();
  }
}

interface Tally {
  answered: number;
  callErrors: number;
  lost: number;
  bytesSent: number;
  readonly byAction: Partial<Record<LoadAction, number>>;
  readonly latencies: Latencies;
}

const newTally = (): Tally => ({
  answered: 0,
  callErrors: 0,
  lost: 0,
  bytesSent: 0,
  byAction: {},
  latencies: new Latencies(),
});

interface Run {
  readonly options: LoadOptions;
  readonly version: '1.6' | '2.0.1';
  readonly deck: readonly LoadAction[];
  readonly wall: VirtualClock;
  /** Between two CALLs of one connection; 0 = none. */
  readonly gapMs: number;
  tally: Tally;
  sending: boolean;
  over: boolean;
}

interface Outstanding {
  readonly action: LoadAction;
  readonly due: number;
}

class Connection {
  private socket: WebSocket | undefined;
  private readonly outstanding = new Map<string, Outstanding>();
  private nextId = 0;
  private cursor: number;
  private due = 0;
  private transactionId: string;
  private booted: (() => void) | undefined;

  constructor(
    private readonly run: Run,
    private readonly chargePointId: string,
    private readonly index: number,
  ) {
    // Everybody deals from the same shuffled deck, from another place on.
    this.cursor = (index * 7_919) % run.deck.length;
    this.transactionId = run.version === '1.6' ? '1' : `"load-${index}-${Date.now().toString(36)}"`;
  }

  /** Connects and boots. */
  open(): Promise<void> {
    const { url, password, prefix = 'LOAD-' } = this.run.options;
    const secret = password?.(this.chargePointId);
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(
        `${url.replace(/\/$/, '')}/${this.chargePointId}`,
        `ocpp${this.run.version}`,
        {
          perMessageDeflate: false,
          skipUTF8Validation: true,
          handshakeTimeout: 30_000,
          ...(secret === undefined ? {} : { auth: `${this.chargePointId}:${secret}` }),
        },
      );
      this.socket = socket;
      const failed = (why: string) =>
        reject(
          new WattstreamError('LOAD_NOT_CONNECTED', `${this.chargePointId} at ${url}: ${why}`, {
            canRetry: true,
            remedy: `The server must admit charge points ${prefix}0001 and so on, and the limit of open files must allow them.`,
          }),
        );
      let opened = false;
      socket.on('open', () => {
        opened = true;
        socket.send(bootText(this.run.version, 'boot'));
      });
      socket.on('message', (data) => this.receive(data as Buffer));
      socket.on('error', (error) => failed(error.message));
      socket.on('close', (code) => {
        failed(`closed with ${code} before it had booted`);
        this.ended(opened);
      });
      this.booted = resolve;
    });
  }

  begin(): void {
    const { gapMs, wall, options } = this.run;
    if (gapMs === 0) {
      for (let slot = 0; slot < (options.pipelining ?? 1); slot++) this.send(performance.now());
      return;
    }
    // Spread over the gap, else all connections speak in the same millisecond.
    this.due = performance.now() + (this.index / options.connections) * gapMs;
    wall.wake(wall.now() + this.due - performance.now(), () => this.paced());
  }

  close(): void {
    this.socket?.terminate();
  }

  /** Says all that is due and for which there is room; comes back when the next is due. */
  private paced(): void {
    const { run } = this;
    const now = performance.now();
    while (this.due <= now && this.outstanding.size < (run.options.pipelining ?? 1)) {
      this.send(this.due);
      this.due += run.gapMs;
    }
    if (this.due > now) run.wall.wake(run.wall.now() + this.due - now, () => this.paced());
  }

  private send(due: number): void {
    const { run, socket } = this;
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) return;
    const count = this.nextId++;
    const messageId = count.toString(36);
    const action = run.deck[this.cursor]!;
    this.cursor = (this.cursor + 1) % run.deck.length;
    const text = renderLoad(action, {
      messageId,
      timestamp: timestamp(),
      transactionId: this.transactionId,
      count,
    });
    this.outstanding.set(messageId, { action, due });
    run.tally.bytesSent += text.length;
    socket.send(text);
  }

  private receive(data: Buffer): void {
    // `[3,"<id>",...` as every server known writes it; anything else is read the long way.
    const end = data.indexOf(QUOTE, 4);
    const plain = data[1] === THREE && data[3] === QUOTE && end > 0;
    const frame = plain ? undefined : readFrame(data);
    const messageId = plain ? data.toString('latin1', 4, end) : String(frame?.[1]);
    if (messageId === 'boot') {
      this.booted?.();
      return;
    }
    const sent = this.outstanding.get(messageId);
    if (sent === undefined) return;
    this.outstanding.delete(messageId);
    const { run } = this;
    const { tally } = run;
    if (plain || frame?.[0] === 3) {
      tally.answered++;
      tally.byAction[sent.action] = (tally.byAction[sent.action] ?? 0) + 1;
      tally.latencies.record(performance.now() - sent.due);
      if (sent.action === 'StartTransaction')
        this.transactionId =
          /"transactionId":\s*(\d+)/.exec(data.toString('latin1'))?.[1] ?? this.transactionId;
    } else {
      tally.callErrors++;
    }
    if (!run.sending || run.over) return;
    if (run.gapMs === 0) this.send(performance.now());
    else if (this.due <= performance.now()) this.paced();
  }

  private ended(wasOpen: boolean): void {
    const { run } = this;
    this.outstanding.clear();
    if (!run.sending || run.over) return;
    if (wasOpen) run.tally.lost++;
    run.wall.wake(run.wall.now() + RECONNECT_MS, () => {
      this.open().then(
        () => this.begin(),
        () => {},
      );
    });
  }
}

const QUOTE = 0x22;
const THREE = 0x33;

function readFrame(data: Buffer): unknown[] | undefined {
  try {
    const frame: unknown = JSON.parse(data.toString());
    return Array.isArray(frame) ? frame : undefined;
  } catch {
    return undefined;
  }
}

let renderedAt = 0;
let rendered = '';

/** ISO 8601 of now, rendered once per millisecond. */
function timestamp(): string {
  const now = Date.now();
  if (now !== renderedAt) {
    renderedAt = now;
    rendered = new Date(now).toISOString();
  }
  return rendered;
}

/** The mix as a shuffled deck of 1 000 cards; every wanted action has at least one. */
function deckOf(version: '1.6' | '2.0.1', mix: Partial<Record<LoadAction, number>>): LoadAction[] {
  const wanted = Object.entries(mix).filter(([, weight]) => weight > 0) as [LoadAction, number][];
  const foreign = wanted.filter(([action]) => !ACTIONS_OF[version].includes(action));
  if (wanted.length === 0 || foreign.length > 0) {
    throw new WattstreamError(
      'LOAD_MIX_INVALID',
      foreign.length > 0
        ? `OCPP ${version} load has no ${foreign.map(([action]) => action).join(', ')}`
        : 'The mix is empty',
      { remedy: `Weights for: ${ACTIONS_OF[version].join(', ')}` },
    );
  }
  const total = wanted.reduce((sum, [, weight]) => sum + weight, 0);
  const deck = wanted.flatMap(([action, weight]) =>
    Array.from({ length: Math.max(1, Math.round((1_000 * weight) / total)) }, () => action),
  );
  const random = seeded('load');
  for (let last = deck.length - 1; last > 0; last--) {
    const other = random.whole(0, last);
    [deck[last], deck[other]] = [deck[other]!, deck[last]!];
  }
  return deck;
}

const pause = (seconds: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, seconds * 1_000);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
