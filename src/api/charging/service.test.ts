/** Starts and stops of one api process, with what is around it missing or slow: what a customer is told then. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemoryQueues } from '../../../test/support/memory-queues.js';
import { commandStepOf } from '../../domain/commands/steps.js';
import type { ChargingRequest } from '../../domain/customers/request.js';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import type { HeldCharger } from '../../domain/messages/commands.js';
import { examples } from '../../domain/registry/testing/examples.js';
import { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import { Replica } from '../../registry/replica.js';
import { RegistryStore } from '../../registry/store.js';
import { booksOf, FakeLog, FakePublisher } from '../../registry/testing/fakes.js';
import type { CommandRequest } from '../commands/service.js';
import { ChargingBook } from './book.js';
import type { ChargingHistory, OwnSession } from './ports.js';
import { ChargingService, type StartAsked } from './service.js';

const away = async (): Promise<never> => {
  throw new WattstreamError('QUERY_FAILED', 'no tables', { canRetry: true });
};
const SESSION: OwnSession = {
  sessionId: '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f',
  chargePointId: 'CP-1',
  stationId: 'st-1',
  transactionId: '7',
  status: 'active',
};
const me = { accountId: 'ac-1' };

let queues: MemoryQueues;
let store: RegistryStore;
let book: ChargingBook;
let sent: CommandRequest[];
let held: HeldCharger | undefined;
/** What becomes of a command. */
let onCommand: (request: CommandRequest) => Promise<void>;
let history: ChargingHistory;
let service: ChargingService;

beforeEach(async () => {
  queues = new MemoryQueues();
  const log = new FakeLog();
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  const publisher = new FakePublisher(log);
  store = new RegistryStore({
    replica,
    publisher,
    writeMs: 10_000,
    now: Date.now,
    logger: silentLogger,
    keyBooks: booksOf(log),
  });
  await replica.level;
  const enter = (kind: EntityKind, id: string, state: object) =>
    store.propose({ kind, id, change: 'created', state: state as never, actor: 'test' });
  const { station, tariff, account, point } = examples;
  await enter('station', 'st-1', station);
  await enter('tariff', 'day', tariff);
  await enter('account', 'ac-1', account);
  await enter('account', 'ac-2', { ...account, id: 'ac-2', email: 'other@example.com' });
  await enter('point', 'CP-1', point);
  const { evses: _, certificateCommonName: __, ...rest } = point;
  const evses = [{ evseId: 1, connectors: point.evses[0]!.connectors }];
  await enter('point', 'HOME', { ...rest, id: 'HOME', account: 'ac-2', evses });

  const events = queues.eventPublisher();
  sent = [];
  held = {
    chargePointId: 'CP-1',
    gateway: 'g1',
    connection: 'c1',
    protocol: 'ocpp1.6',
    since: new Date().toISOString(),
  };
  onCommand = async ({ commandId = '', chargePointId }) => {
    const on = { gateway: 'g1', connection: 'c1' };
    const of = { id: commandId, chargePointId };
    await events.publishChargingEvent(commandStepOf('command.sent', of, Date.now(), on));
    await events.publishChargingEvent(
      commandStepOf('command.accepted', of, Date.now(), {
        ...on,
        status: 'Accepted',
        response: { status: 'Accepted' },
      }),
    );
  };
  history = {
    request: async () => undefined,
    outlets: async () => ({ statuses: [], sessions: [] }),
    session: async () => undefined,
    receipts: async () => [],
  };
  book = new ChargingBook({
    log: queues.eventLog(),
    clock: { now: Date.now },
    rememberMs: 3_600_000,
    logger: silentLogger,
  });
  while (!book.level) await new Promise((resolve) => setImmediate(resolve));
  service = new ChargingService({
    store,
    commands: {
      async start(request) {
        sent.push(request);
        await onCommand(request);
        const nothing = async () => undefined;
        return { commandId: request.commandId ?? '', recorded: nothing, outcome: nothing };
      },
    },
    sender: { locate: async () => held },
    events,
    book,
    herald: { adopt: () => {} },
    history: {
      request: (id) => history.request(id),
      outlets: (id) => history.outlets(id),
      session: (account, id) => history.session(account, id),
      receipts: (id) => history.receipts(id),
    },
    clock: { now: Date.now },
    limits: { startSeconds: 60, stopSeconds: 60, commandSeconds: 10 },
    logger: silentLogger,
  });
});
afterEach(async () => {
  await book.close();
  await store.replica.close();
});

const oneTime = () => [...store.replica.state.entities.token.values()].filter(({ state }) => state !== null);
const start = async (asked: StartAsked): Promise<ChargingRequest | undefined> =>
  (await service.start(me, asked)).outcome();

test('the token stands in the registry, as the account’s, before the charger is told of it', async () => {
  let known: unknown;
  const usual = onCommand;
  onCommand = async (request) => {
    const { body } = request.asked as unknown as { body: { idTag: string } };
    known = store.replica.get('token', body.idTag)?.state;
    return usual(request);
  };
  expect(await start({ chargePointId: 'CP-1' })).toMatchObject({ state: 'accepted' });
  expect(known).toMatchObject({ account: 'ac-1', status: 'Accepted', type: 'AD_HOC_USER' });
  expect((known as { uid: string }).uid).toMatch(/^W[0-9A-Z]{19}$/);
});

test('tokens of earlier starts that have ended go with the next start; those of customers stay', async () => {
  const past = '2020-01-01T00:00:00.000Z';
  const own = { ...examples.token, uid: 'CARD', expiresAt: past };
  const before = { ...own, uid: 'WOLD', type: 'AD_HOC_USER', whitelist: 'NEVER', issuer: 'wattstream start' };
  for (const state of [own, { ...own, uid: 'GOOD', expiresAt: undefined }, before])
    await store.propose({
      kind: 'token',
      id: state.uid,
      change: 'created',
      state: JSON.parse(JSON.stringify(state)),
      actor: 'test',
    });
  await start({ chargePointId: 'CP-1' });
  while (oneTime().some(({ id }) => id === 'WOLD')) await new Promise((resolve) => setImmediate(resolve));
  expect(oneTime().map(({ id }) => id)).toEqual(['CARD', 'GOOD', expect.stringMatching(/^W/)]);
});

test('without tables it goes on: the charger itself refuses what is taken', async () => {
  history = { ...history, outlets: away };
  expect(await start({ chargePointId: 'CP-1' })).toMatchObject({ state: 'accepted' });
});

test('with a key, and without tables, nobody can say whether it was used before: nothing is sent', async () => {
  history = { ...history, request: away };
  await expect(
    service.start({ ...me, idempotencyKey: 'k' }, { chargePointId: 'CP-1' }),
  ).rejects.toMatchObject({ code: 'IDEMPOTENCY_UNKNOWN' });
  expect(sent).toEqual([]);
});

test('a command that cannot be sent ends the request at once, and its token goes', async () => {
  onCommand = async () => {
    throw new WattstreamError('GATEWAY_SILENT', 'the gateway says nothing', { canRetry: true });
  };
  await expect(start({ chargePointId: 'CP-1' })).rejects.toMatchObject({ code: 'GATEWAY_SILENT' });
  expect(queues.events.map(({ type }) => type)).toEqual(['charging.requested', 'charging.failed']);
  expect(oneTime()).toEqual([]);
  // And the outlet is free again.
  onCommand = async () => {};
  await expect(service.start(me, { chargePointId: 'CP-1' })).resolves.toBeDefined();
});

test('nothing is recorded of what is refused', async () => {
  const code = (asked: StartAsked) => service.start(me, asked).catch((error: WattstreamError) => error.code);
  expect(await code({ chargePointId: 'HOME' })).toBe('CHARGER_UNKNOWN');
  expect(await code({ chargePointId: 'CP-1', stationId: 'st-2' })).toBe('CHARGER_UNKNOWN');
  expect(await code({ chargePointId: 'CP-1', token: 'nobody' })).toBe('TOKEN_UNKNOWN');
  history = {
    ...history,
    outlets: async () => ({ statuses: [], sessions: [{ evseId: null, connectorId: 1 }] }),
  };
  expect(await code({ chargePointId: 'CP-1' })).toBe('OUTLET_OCCUPIED');
  held = undefined;
  expect(await code({ chargePointId: 'CP-1' })).toBe('CHARGER_OFFLINE');
  expect(queues.events).toEqual([]);
  expect(oneTime()).toEqual([]);
});

test('by station: the one charger that can be meant; somebody’s own at home is not among them', async () => {
  expect(await start({ stationId: 'st-1', evseId: 1 })).toMatchObject({
    requested: { chargePointId: 'CP-1' },
  });
});

test('only one’s own sessions are stopped, and only those that go on', async () => {
  const stop = (accountId: string) =>
    service.stop({ accountId }, SESSION.sessionId).catch((error: WattstreamError) => error.code);
  history = { ...history, session: async (account) => (account === 'ac-1' ? SESSION : undefined) };
  expect(await stop('ac-2')).toBe('SESSION_UNKNOWN');
  history = { ...history, session: async () => ({ ...SESSION, status: 'completed' }) };
  expect(await stop('ac-1')).toBe('SESSION_ENDED');
  expect(sent).toEqual([]);
  history = { ...history, session: async () => SESSION };
  await stop('ac-1');
  expect(sent).toMatchObject([{ asked: { operation: 'remote-stop', body: { transactionId: '7' } } }]);
});

test('a request is its account’s: another one has none of that id', async () => {
  const { requestId } = await service.start(me, { chargePointId: 'CP-1' });
  await book.until(requestId, () => true, 5_000);
  expect(await service.find('ac-1', requestId)).toMatchObject({ requested: { accountId: 'ac-1' } });
  await expect(service.find('ac-2', requestId)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' });
});
