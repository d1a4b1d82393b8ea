/**
 * A reconnect storm: chargers that lose their connections in the same moment, and come back, as after a power cut or
 * a restart of ours. A bystander keeps its connection and goes on talking: nobody inside should notice. (In another
 * process than the storm, or it waits for that one's event loop too.)
 *
 * Who is turned away comes again when it was told to (`Retry-After`, RFC 9110 section 10.2.3), else after
 * RETRY_SECONDS. All times are real.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Latencies, type LatencySummary } from './latencies.js';
import { bootText } from './load/frames.js';

export interface StormOptions {
  readonly url: string;
  readonly connections: number;
  /** Charge point ids are this and a number from 1. Default `STORM-`. */
  readonly prefix?: string;
  /** How many of them come in a second the first time, which is not the storm. Default 400. */
  readonly arrivals?: number;
  /** Called when all have lost their connections. */
  readonly onCut?: () => void;
}

export interface StormReport {
  readonly connections: number;
  /** From the cut until the last of them had booted again. */
  readonly seconds: number;
  /** The same for each of them. */
  readonly backMs: LatencySummary;
  /** Handshakes that were refused on the way, by HTTP status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Connections that failed in other ways on the way. */
  readonly failed: number;
  /** Heartbeat intervals that they were told, in seconds: equal ones would beat together for ever. */
  readonly intervals: { readonly least: number; readonly most: number; readonly different: number };
}

const RETRY_SECONDS = 2;
const BEAT_MS = 50;

export async function runStorm(options: StormOptions): Promise<StormReport> {
  const { connections, prefix = 'STORM-', arrivals = 400 } = options;
  const url = options.url.replace(/\/$/, '');
  const chargers = Array.from({ length: connections }, (_, i) => new Charger(`${url}/${prefix}${i + 1}`));
  try {
    await Promise.all(
      chargers.map(async (charger, i) => {
        await sleep((1_000 * i) / arrivals);
        await charger.comeIn();
      }),
    );

    for (const charger of chargers) charger.cut();
    options.onCut?.();
    const began = performance.now();
    const back = new Latencies();
    await Promise.all(
      chargers.map(async (charger) => {
        await charger.comeIn();
        back.record(performance.now() - began);
      }),
    );
    const seconds = (performance.now() - began) / 1_000;

    const refused: Record<string, number> = {};
    for (const status of chargers.flatMap((charger) => charger.refused))
      refused[status] = (refused[status] ?? 0) + 1;
    const told = chargers.map((charger) => charger.interval);
    return {
      connections,
      seconds,
      backMs: back.summary(),
      refused,
      failed: chargers.reduce((sum, charger) => sum + charger.failed, 0),
      intervals: { least: Math.min(...told), most: Math.max(...told), different: new Set(told).size },
    };
  } finally {
    for (const charger of chargers) charger.cut();
  }
}

export interface Bystander {
  /** Says one Heartbeat after the other from now on. */
  begin(): void;
  /** Hangs up; the latencies of the answers. */
  end(): LatencySummary;
}

/** Connects and boots, as `url`/`chargePointId`. */
export async function standBy(url: string, chargePointId: string): Promise<Bystander> {
  const charger = new Charger(`${url.replace(/\/$/, '')}/${chargePointId}`);
  await charger.comeIn();
  let beating: (() => LatencySummary) | undefined;
  return {
    begin() {
      beating = charger.beat();
    },
    end() {
      const summary = beating?.() ?? new Latencies().summary();
      charger.cut();
      return summary;
    },
  };
}

class Charger {
  interval = 0;
  /** Since the last cut. */
  refused: number[] = [];
  failed = 0;
  private socket: WebSocket | undefined;

  constructor(private readonly url: string) {}

  /** Tries until it has booted. */
  async comeIn(): Promise<void> {
    for (;;) {
      const again = await this.attempt();
      if (again === undefined) return;
      // As it was told, give or take a tenth: chargers' clocks are not ours.
      await sleep(again * 1_000 * (0.9 + Math.random() / 5));
    }
  }

  cut(): void {
    this.refused = [];
    this.failed = 0;
    this.socket?.terminate();
  }

  /** Says a heartbeat at a time, until the function returned is called; that gives the answers' latencies. */
  beat(): () => LatencySummary {
    const socket = this.socket as WebSocket;
    const latencies = new Latencies();
    let sentAt = performance.now();
    const say = () => {
      sentAt = performance.now();
      socket.send('[2,"beat","Heartbeat",{}]');
    };
    let timer: NodeJS.Timeout | undefined;
    const onMessage = () => {
      latencies.record(performance.now() - sentAt);
      timer = setTimeout(say, BEAT_MS);
    };
    socket.on('message', onMessage);
    say();
    return () => {
      clearTimeout(timer);
      socket.off('message', onMessage);
      return latencies.summary();
    };
  }

  /** Undefined when it is in, else the seconds until it should try again. */
  private attempt(): Promise<number | undefined> {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.url, 'ocpp1.6', {
        handshakeTimeout: 60_000,
        perMessageDeflate: false,
      });
      let known = false;
      const again = (seconds: number) => {
        known = true;
        resolve(seconds);
      };
      socket.once('open', () => socket.send(bootText('1.6', 'boot')));
      socket.once('message', (data) => {
        this.interval = Number(/"interval":\s*(\d+)/.exec(data.toString())?.[1] ?? 0);
        this.socket = socket;
        known = true;
        resolve(undefined);
      });
      socket.once('unexpected-response', (request, response) => {
        this.refused.push(response.statusCode ?? 0);
        again(Number(response.headers['retry-after'] ?? RETRY_SECONDS));
        request.destroy();
      });
      // An `error` alone is never all: `close` follows it.
      socket.on('error', () => {});
      socket.once('close', () => {
        if (known) return;
        this.failed++;
        again(RETRY_SECONDS);
      });
    });
  }
}
