/**
 * Chargers and a browser in one process, so that one clock measures: each charger sends readings at its own pace, the
 * browser is told of the session's energy over Socket.io. A reading of n Wh is known again by the n Wh of its session.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { Notification } from '../domain/messages/notifications.js';
import { Latencies } from '../simulator/latencies.js';

export interface NotifiedOptions {
  readonly url: string;
  readonly api: string;
  /** Frames per second over all chargers. */
  readonly rate: number;
  /** Between two frames of one charger: more than the second within which a session is announced once. */
  readonly everyMs: number;
  /** One frame of so many is a reading, which somebody is told of; the others are Heartbeats. */
  readonly readingOf: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

export interface NotifiedRound {
  readonly sent: number;
  readonly answered: number;
  /** Readings that a notification told of. */
  readonly told: number;
  /** Frame on its way -> CALLRESULT; frame on its way -> the browser has it. */
  readonly answerMs: ReturnType<Latencies['summary']>;
  readonly notifiedMs: ReturnType<Latencies['summary']>;
}

const options = JSON.parse(process.argv[2] as string) as NotifiedOptions;
const chargers = Math.ceil((options.rate * options.everyMs) / 1_000);
const answers = new Latencies();
const notified = new Latencies();
/** When what is not told of yet was sent: by charge point and reading. */
const sentAt = new Map<string, number>();
let measuring = false;
let [sent, answered, told] = [0, 0, 0];

class Charger {
  private reading = 0;
  private frames: number;
  private transactionId = 0;
  private pending:
    | { id: string; at: number; measured: boolean; done: (payload: unknown) => void }
    | undefined;

  private constructor(
    private readonly id: string,
    private readonly socket: WebSocket,
  ) {
    // Not all of them read in the same moment.
    this.frames = Number(/\d+$/.exec(id)?.[0] ?? 0);
    socket.on('message', (data) => this.answer(JSON.parse(String(data)) as [number, string, unknown]));
  }

  static async open(id: string): Promise<Charger> {
    const socket = await connected(`${options.url}/${id}`);
    const charger = new Charger(id, socket);
    const timestamp = new Date().toISOString();
    const start = { connectorId: 1, idTag: 'BENCH', meterStart: 0, timestamp };
    const { transactionId } = (await charger.call('StartTransaction', start)) as { transactionId: number };
    charger.transactionId = transactionId;
    return charger;
  }

  /** One frame, unless the last one has no answer yet. */
  speak(): void {
    if (this.pending !== undefined) return;
    if (++this.frames % options.readingOf === 0) this.read();
    else void this.call('Heartbeat', {});
  }

  private read(): void {
    const { transactionId } = this;
    const reading = String(++this.reading);
    const timestamp = new Date().toISOString();
    const sampledValue = [
      { value: reading, measurand: 'Energy.Active.Import.Register', unit: 'Wh' },
      { value: '11010', measurand: 'Power.Active.Import', unit: 'W' },
    ];
    if (measuring) {
      sent++;
      sentAt.set(`${this.id} ${reading}`, performance.now());
    }
    void this.call('MeterValues', {
      connectorId: 1,
      transactionId,
      meterValue: [{ timestamp, sampledValue }],
    });
  }

  private call(action: string, payload: object): Promise<unknown> {
    const id = `${action}-${this.frames}`;
    return new Promise((done) => {
      this.pending = { id, at: performance.now(), measured: measuring && action === 'MeterValues', done };
      this.socket.send(JSON.stringify([2, id, action, payload]));
    });
  }

  private answer([, id, payload]: [number, string, unknown]): void {
    const { pending } = this;
    if (pending?.id !== id) return;
    this.pending = undefined;
    if (pending.measured) {
      answered++;
      answers.record(performance.now() - pending.at);
    }
    pending.done(payload);
  }
}

/** The door admits so many a second and sends the others away (503) to come again. */
async function connected(url: string): Promise<WebSocket> {
  for (;;) {
    const socket = new WebSocket(url, ['ocpp1.6'], { perMessageDeflate: false });
    try {
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (!/ 503$/.test((error as Error).message)) throw error;
      await sleep(200 + Math.random() * 300);
    }
  }
}

const browser = io(options.api, { transports: ['websocket'] });
browser.on('change', ({ notification: { event } }: { notification: Notification }) => {
  if (event.type !== 'session.updated' || !('session' in event)) return;
  const key = `${event.chargePointId} ${event.session.energyWh}`;
  const at = sentAt.get(key);
  if (at === undefined) return;
  sentAt.delete(key);
  told++;
  notified.record(performance.now() - at);
});
await once(browser as unknown as NodeJS.EventEmitter, 'connect');
const joined = (await browser.emitWithAck('subscribe', { room: 'operator' })) as { ok: boolean };
if (!joined.ok) throw new Error(`the browser was not let in: ${JSON.stringify(joined)}`);
browser.on('stale', () => void browser.emitWithAck('subscribe', { room: 'operator' }));

const all: Charger[] = [];
for (let from = 0; from < chargers; from += 100) {
  const ids = Array.from({ length: Math.min(100, chargers - from) }, (_, n) => `TOLD-${from + n}`);
  all.push(...(await Promise.all(ids.map((id) => Charger.open(id)))));
}
// Spread over the interval, so that the load has no waves.
const STEP_MS = 5;
let next = 0;
const began = performance.now();
const pacing = setInterval(() => {
  const due = Math.floor(((performance.now() - began) / 1_000) * options.rate);
  for (; next < due; next++) all[next % all.length]?.speak();
}, STEP_MS);
await sleep(options.warmupSeconds * 1_000);
measuring = true;
await sleep(options.seconds * 1_000);
measuring = false;
// What is on its way may arrive.
for (let i = 0; i < 50 && sentAt.size > 0; i++) await sleep(100);
clearInterval(pacing);
const round: NotifiedRound = {
  sent,
  answered,
  told,
  answerMs: answers.summary(),
  notifiedMs: notified.summary(),
};
process.send?.(round);
process.on('disconnect', () => process.exit(0));
