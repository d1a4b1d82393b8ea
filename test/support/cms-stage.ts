/**
 * A registry, a gateway that admits by it, and api processes that command chargers: all of it real, on queues in memory.
 * `lines()` is everything that was ever published or answered, for whoever looks for what must not be there.
 */
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';
import { buildApp } from '../../src/api/app.js';
import { NO_AUTHENTICATION } from '../../src/api/auth/authenticator.js';
import { CommandBook } from '../../src/api/commands/book.js';
import { CommandService } from '../../src/api/commands/service.js';
import { startSweep } from '../../src/api/commands/sweep.js';
import { openLocalLists } from '../../src/api/local-lists/open.js';
import { RotationDesk } from '../../src/api/rotation/desk.js';
import { examples } from '../../src/domain/registry/testing/examples.js';
import { silentLogger } from '../../src/platform/logger.js';
import { Registry } from '../../src/platform/metrics.js';
import { MemoryQueues } from '../../src/queues/memory/queues.js';
import { directoryOf } from '../../src/registry/directory.js';
import { MemoryKeyBooks } from '../../src/registry/keys/memory/key-books.js';
import { hashPassword } from '../../src/registry/passwords.js';
import { Replica } from '../../src/registry/replica.js';
import { registrySource } from '../../src/registry/source.js';
import { RegistryStore } from '../../src/registry/store.js';
import { listening } from '../http.js';
import { aWhile, type TestCharger, testIngest } from './ingest.js';

export const PASSWORD = '0123456789abcdef0123456789abcdef01234567';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  readonly body: any;
}

export async function eventually<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 15_000; Date.now() < end; await aWhile(5)) {
    const found = await ask();
    if (found) return found as NonNullable<T>;
  }
  throw new Error(`it did not come true: ${ask}`);
}

export type CmsStage = Awaited<ReturnType<typeof cmsStage>>;

export async function cmsStage({
  seconds = 10,
  settleMs = 500,
  againMs = [50, 50, 50],
}: {
  seconds?: number;
  settleMs?: number;
  /** After a charger refused its local list. */
  againMs?: readonly number[];
} = {}) {
  const queues = new MemoryQueues();
  const events = queues.eventPublisher();
  const keyBooks = new MemoryKeyBooks();
  const logger = silentLogger;
  const closing: (() => unknown)[] = [];
  const answers: string[] = [];
  const replica = () => {
    const log = queues.eventLog('cmsEvents');
    const one = new Replica({ log, newestSnapshot: async () => undefined, logger });
    closing.push(() => one.close());
    return one;
  };
  const ofIngest = replica();
  const directory = directoryOf([registrySource(ofIngest)], { acceptUnknown: true });
  const ingest = await testIngest({
    directory,
    settings: { WATTSTREAM_ACCEPT_UNKNOWN: false, WATTSTREAM_ALLOW_PLAIN: true },
    commands: { events, receive: (handler) => queues.receive(handler) },
  });
  closing.push(() => ingest.close());

  /** An api process. `now`: its clock. */
  async function api({ now = Date.now, patienceMs = 50 }: { now?: () => number; patienceMs?: number } = {}) {
    const clock = { now };
    const store = new RegistryStore({
      replica: replica(),
      publisher: events,
      writeMs: 10_000,
      now,
      keyBooks,
      logger,
    });
    const sender = queues.sender();
    const book = new CommandBook({ log: queues.eventLog(), clock, rememberMs: 3_600_000, logger });
    const limits = { seconds, maxSeconds: 60, graceSeconds: 0.2, keptHours: 24 };
    const service = new CommandService({
      sender,
      events,
      kept: queues.keptCommands(),
      book,
      clock,
      limits,
      logger,
    });
    const sweep = startSweep({ book, events, clock, graceMs: 200, spread: 0, logger, everyMs: 20 });
    const rotations = new RotationDesk({
      store,
      commands: service,
      book,
      sender,
      clock,
      seconds,
      rememberMs: 3_600_000,
      spread: 0,
      logger,
      tickMs: 10,
      patienceMs,
    });
    const lists = openLocalLists({
      settings: {
        WATTSTREAM_LOCAL_LIST_SETTLE_MS: settleMs,
        WATTSTREAM_LOCAL_LIST_AT_ONCE: 4,
        WATTSTREAM_LOCAL_LIST_ENTRIES: 1_000,
        WATTSTREAM_LOCAL_LIST_PER_MESSAGE: 50,
      },
      replica: store.replica,
      commands: service,
      book,
      sender,
      wakes: queues.listWakes(),
      logger,
      clock,
      pace: { tickMs: 10, settleInMs: 20, againMs },
    });
    const app: FastifyInstance = await buildApp({
      queries: {
        list: () => [],
        ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
        ping: async () => {},
      },
      inspector: { bounds: async () => [] },
      registry: store,
      commands: { commands: service, stationOf: () => undefined },
      points: { rotations, lists: lists.shelf },
      health: { ready: () => undefined },
      access: { authentication: NO_AUTHENTICATION, stationOf: () => undefined, hosts: [] },
      metrics: new Registry(),
      log: logger,
      docsPage: false,
    });
    await listening(app);
    await store.replica.level;
    await eventually(() => book.level);
    let isDead = false;
    /** As if it were killed: nothing of it goes on. */
    const die = async (): Promise<void> => {
      if (isDead) return;
      isDead = true;
      rotations.close();
      sweep.close();
      await lists.close();
      await app.close();
      await book.close();
    };
    closing.push(die);
    const { port } = app.server.address() as { port: number };
    return {
      store,
      service,
      book,
      rotations,
      die,
      async ask(
        method: string,
        url: string,
        body?: unknown,
        headers: Record<string, string> = {},
      ): Promise<Reply> {
        const response = await fetch(`http://127.0.0.1:${port}${url}`, {
          method,
          headers: {
            connection: 'close',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        answers.push(text);
        return {
          status: response.status,
          headers: response.headers,
          body: text === '' ? undefined : JSON.parse(text),
        };
      },
    };
  }

  let first = await api();
  type Kind = keyof typeof examples;
  const put = (kind: Kind, state: object, id: string): Promise<unknown> =>
    first.store.propose({
      kind,
      id,
      change: first.store.replica.get(kind, id) === undefined ? 'created' : 'updated',
      state: state as never,
      actor: 'test',
    });
  await put('station', examples.station, 'st-1');
  await put('tariff', examples.tariff, 'day');
  await put('account', examples.account, 'ac-1');

  return {
    queues,
    ingest,
    api,
    /** The api that is asked. */
    get first() {
      return first;
    },
    use: (other: typeof first): void => {
      first = other;
    },
    put,
    basic: (id: string, password: string | Buffer) => ({
      authorization: `Basic ${Buffer.concat([Buffer.from(`${id}:`), Buffer.from(password as string)]).toString('base64')}`,
    }),
    async point(id = 'CP-1', more: object = {}): Promise<void> {
      const { certificateCommonName: _, evses: __, ...point } = examples.point;
      const evses = [{ evseId: 1, connectors: [{ ...examples.point.evses[0]?.connectors[0] }] }];
      await put('point', { ...point, id, evses, passwordHash: await hashPassword(PASSWORD), ...more }, id);
      await eventually(() => ofIngest.get('point', id));
    },
    pointOf: (id = 'CP-1') => first.store.replica.get('point', id)?.state,
    /** Of the charger that presents this key: 101 or what the door says. */
    knock: (id: string, password: string | Buffer): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${ingest.url}/${id}`, ['ocpp1.6'], {
          headers: {
            authorization: `Basic ${Buffer.concat([Buffer.from(`${id}:`), Buffer.from(password as string)]).toString('base64')}`,
          },
        });
        socket.once('open', () => {
          socket.once('close', () => resolve(101));
          socket.close();
        });
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
        socket.on('error', () => {});
      }),
    /** Connects, and is known to the queues. */
    async charger(
      id = 'CP-1',
      protocol = 'ocpp1.6',
      password: string | Buffer = PASSWORD,
    ): Promise<TestCharger> {
      const charger = await ingest.charger(id, [protocol], {
        authorization: `Basic ${Buffer.concat([Buffer.from(`${id}:`), Buffer.from(password as string)]).toString('base64')}`,
      });
      const held = await eventually(() => queues.sender().locate(id));
      await events.publishChargingEvent({
        id: `charger.online/${held.connection}`,
        schema: 1,
        at: held.since,
        type: 'charger.online',
        chargePointId: id,
        stationId: '',
        accountId: '',
        version: 1,
        previous: null,
        connection: held.connection,
        gateway: held.gateway,
        protocol: held.protocol,
        address: '',
        closeCode: null,
      });
      return charger;
    },
    lines: (): string[] => [
      ...ingest.publisher.handed.map((record) => JSON.stringify(record)),
      ...queues.log.map((record) => JSON.stringify(record)),
      ...queues.eventLog('cmsEvents').records.map((record) => JSON.stringify(record)),
      ...queues.notifications.map((one) => JSON.stringify(one)),
      ...queues.kept.map((one) => JSON.stringify(one)),
      ...answers,
    ],
    async close(): Promise<void> {
      for (const close of closing.splice(0).reverse()) await close();
    },
  };
}

/** CALLs of ours that it got: id, action, payload. */
export const callsTo = (
  charger: TestCharger,
): { id: string; action: string; payload: Record<string, unknown> }[] =>
  charger.inbox
    .map((text) => JSON.parse(text) as [number, string, string, Record<string, unknown>])
    .filter(([type]) => type === 2)
    .map(([, id, action, payload]) => ({ id, action, payload }));

/** Answers every CALL of ours with what the test says: a payload, an OCPP error code, or nothing. */
export function answering(
  charger: TestCharger,
  answer: (action: string, payload: Record<string, unknown>) => object | string | undefined,
): void {
  charger.socket.removeAllListeners('message');
  charger.socket.on('message', (data) => {
    charger.inbox.push(String(data));
    const [type, id, action, payload] = JSON.parse(String(data));
    if (type !== 2) return;
    const said = answer(action, payload);
    if (typeof said === 'string') charger.send(JSON.stringify([4, id, said, '', {}]));
    else if (said !== undefined) charger.send(JSON.stringify([3, id, said]));
  });
}
