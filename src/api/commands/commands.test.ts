/** Commands from the HTTP request to the charger's answer: api processes and gateways in one, queues in memory. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type CommandApi, type CommandApiOptions, commandApi } from '../../../test/support/command-api.js';
import { aWhile, type TestCharger, testIngest } from '../../../test/support/ingest.js';
import { MemoryQueues } from '../../../test/support/memory-queues.js';
import { commandStepOf } from '../../domain/commands/steps.js';
import { OPERATIONS } from '../../domain/ocpp/commands/operations.js';
import { WattstreamError } from '../../platform/errors.js';
import type { CommandHistory } from './ports.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function eventually<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 4_500; Date.now() < end; await aWhile(5)) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`it did not come true: ${ask}`);
}

async function stage(options: CommandApiOptions = {}, queues = new MemoryQueues()) {
  const events = queues.eventPublisher();
  const ingest = await testIngest({ commands: { events, receive: (handler) => queues.receive(handler) } });
  open.push(ingest);
  const api = async (more: CommandApiOptions = options): Promise<CommandApi> => {
    const started = await commandApi(queues, more);
    open.push(started);
    await eventually(() => started.book.level);
    return started;
  };
  return {
    queues,
    ingest,
    api,
    first: await api(),
    async charger(id = 'CP', protocol = 'ocpp1.6') {
      const charger = await ingest.charger(id, [protocol]);
      const held = await eventually(() => queues.sender().locate(id));
      // What analytics says of it.
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
  };
}

const callsTo = (charger: TestCharger): [number, string, string, Record<string, unknown>][] =>
  charger.inbox.map((text) => JSON.parse(text)).filter(([type]) => type === 2);

/** Answers every CALL of ours with what the test says. */
function answering(charger: TestCharger, answer: (action: string, payload: object) => object): void {
  charger.socket.on('message', (data) => {
    const [type, id, action, payload] = JSON.parse(String(data));
    if (type === 2) charger.send(JSON.stringify([3, id, answer(action, payload)]));
  });
}
const ACCEPTED = () => ({ status: 'Accepted' });
const RESET = { chargePointId: 'CP', type: 'Soft' };

describe('what the caller is told', () => {
  test('200 with the command, when the charger has accepted it', async () => {
    const { first, charger, queues } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const { status, body, headers } = await first.post('reset', RESET);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      chargePointId: 'CP',
      operation: 'reset',
      action: 'Reset',
      protocol: 'ocpp1.6',
      payload: { type: 'Soft' },
      actor: 'tester',
      state: 'accepted',
      final: true,
      status: 'Accepted',
      response: { status: 'Accepted' },
      gateway: 'gw-test',
      error: null,
    });
    expect(body.steps.map(({ step }: { step: string }) => step)).toEqual(['requested', 'sent', 'accepted']);
    expect(headers.get('location')).toBe(`/api/charger/commands/${body.id}`);
    expect(callsTo(cp)[0]![1]).toBe(body.id);
    expect(await first.command(body.id)).toEqual(body);
    expect((await first.get('commands?chargePointId=CP')).body.commands).toEqual([body]);
    expect(queues.stepsOf(body.id)).toEqual(['requested', 'sent', 'accepted']);
  });

  test('200 too when it was rejected, or answered with a CALLERROR: the charger has spoken', async () => {
    const { first, charger } = await stage();
    const cp = await charger();
    answering(cp, () => ({ status: 'Rejected' }));
    expect(await first.post('reset', RESET)).toMatchObject({
      status: 200,
      body: { state: 'rejected', status: 'Rejected' },
    });
    cp.socket.removeAllListeners('message');
    cp.socket.on('message', (data) => {
      const [, id] = JSON.parse(String(data));
      cp.send(JSON.stringify([4, id, 'NotSupported', 'never', {}]));
    });
    expect(await first.post('clear-cache', { chargePointId: 'CP' })).toMatchObject({
      status: 200,
      body: { state: 'failed', error: { code: 'NotSupported', description: 'never' } },
    });
  });

  test('409 when no gateway holds the charger, with the command, which is on record', async () => {
    const { first, queues } = await stage();
    const { status, body, headers } = await first.post('reset', RESET);
    expect(status).toBe(409);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({
      code: 'CHARGER_OFFLINE',
      command: { state: 'offline', delivery: 'not-delivered', protocol: '' },
    });
    expect(queues.stepsOf(body.command.id)).toEqual(['requested', 'offline']);
    expect(queues.commands).toEqual([]);
  });

  test('409 when the charger leaves between the question and the command', async () => {
    const { first, charger, queues } = await stage();
    await charger();
    queues.fates.push('offline');
    const { status, body } = await first.post('reset', RESET);
    expect([status, body.code]).toEqual([409, 'CHARGER_OFFLINE']);
    expect(queues.stepsOf(body.command.id)).toEqual(['requested', 'offline']);
  });

  test('504 when the charger is silent, and that it may have got it', async () => {
    const { first, charger } = await stage();
    await charger();
    const { status, body } = await first.post('reset', { ...RESET, timeoutSeconds: 0.3 });
    expect(status).toBe(504);
    expect(body).toMatchObject({
      code: 'COMMAND_TIMED_OUT',
      command: { state: 'timed-out', delivery: 'delivery-unknown' },
    });
  });

  test('202 at once with Prefer: respond-async; the command goes on', async () => {
    const { first, charger } = await stage();
    const cp = await charger();
    const { status, body, headers } = await first.post('reset', RESET, { prefer: 'respond-async' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ final: false });
    expect(headers.get('preference-applied')).toBe('respond-async');
    await eventually(() => callsTo(cp).length === 1);
    cp.send(JSON.stringify([3, body.id, { status: 'Accepted' }]));
    await eventually(async () => (await first.command(body.id)).state === 'accepted');
  });

  test('400 and 422 name what is wrong; nothing is recorded, nothing sent', async () => {
    const { first, charger, queues } = await stage();
    await charger();
    const raw = (action: string, payload: object) =>
      first.post('commands', { chargePointId: 'CP', action, payload });
    expect(await first.post('reset', { ...RESET, colour: 'red' })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    });
    expect(await raw('Reset', { type: 'Gently' })).toMatchObject({
      status: 400,
      body: { code: 'PAYLOAD_INVALID', errors: [{ field: 'type' }] },
    });
    expect(await raw('Dance', {})).toMatchObject({ status: 400, body: { code: 'ACTION_UNKNOWN' } });
    expect(await raw('SetVariables', {})).toMatchObject({
      status: 422,
      body: { code: 'NOT_IN_THIS_VERSION', remedy: expect.stringContaining('ocpp2.0.1') },
    });
    expect(await first.post('get-base-report', { chargePointId: 'CP' })).toMatchObject({
      status: 422,
      body: { remedy: expect.stringContaining('get-configuration') },
    });
    expect(await first.post('reset', { ...RESET, timeoutSeconds: 61 })).toMatchObject({
      status: 400,
      body: { code: 'TIMEOUT_TOO_LONG' },
    });
    expect(await first.post('reset', { ...RESET, queueUntil: '2020-01-01T00:00:00Z' })).toMatchObject({
      status: 400,
      body: { code: 'QUEUE_UNTIL_WRONG' },
    });
    expect(queues.events.filter(({ type }) => type.startsWith('command.'))).toEqual([]);
    expect(queues.commands).toEqual([]);
    expect(await first.get('commands/7f3e1a52-1111-4111-8111-111111111111')).toMatchObject({
      status: 404,
      body: { code: 'COMMAND_UNKNOWN' },
    });
  });

  test('the charger gets a secret; no event and no answer shows it', async () => {
    const { first, charger, queues } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const secret = 'opensesame-opensesame';
    const { body } = await first.post('change-configuration', {
      chargePointId: 'CP',
      key: 'AuthorizationKey',
      value: secret,
    });
    expect(callsTo(cp)[0]![3].value).toBe(secret);
    expect(body.payload).toEqual({ key: 'AuthorizationKey', value: '***' });
    expect(JSON.stringify(queues.log)).not.toContain(secret);
  });

  test('2.1: a command in the words of its version', async () => {
    const { first, charger } = await stage();
    const cp = await charger('CP', 'ocpp2.1');
    answering(cp, ACCEPTED);
    const { body } = await first.post('remote-start', { chargePointId: 'CP', idTag: 'CAFE', evseId: 1 });
    expect(body).toMatchObject({
      action: 'RequestStartTransaction',
      protocol: 'ocpp2.1',
      state: 'accepted',
      payload: { remoteStartId: expect.any(Number) },
    });
  });

  test('every friendly operation has a route with an example, and the document says so', async () => {
    const { first } = await stage();
    const document = first.app.swagger() as { paths: Record<string, { post?: { requestBody?: object } }> };
    for (const { name } of OPERATIONS)
      expect(JSON.stringify(document.paths[`/api/charger/${name}`]?.post?.requestBody)).toContain('example');
  });
});

test('an operator restricted to stations commands their chargers alone, sees their commands alone, and is the actor', async () => {
  const { charger, api } = await stage();
  answering(await charger('MINE'), ACCEPTED);
  const all = await api({});
  const restricted = await api({
    authentication: {
      mode: 'required',
      principalOf: async () => ({ id: 'anna', role: 'operator', stations: ['station of MINE'] }),
    },
  });
  const { body: other } = await all.post('reset', { ...RESET, chargePointId: 'OTHER' });
  expect(await restricted.post('reset', { ...RESET, chargePointId: 'OTHER' })).toMatchObject({
    status: 403,
    body: { code: 'STATION_FORBIDDEN' },
  });
  const mine = await restricted.post('reset', { ...RESET, chargePointId: 'MINE' });
  expect(mine).toMatchObject({ status: 200, body: { actor: 'anna' } });
  expect((await restricted.get(`commands/${other.command.id}`)).status).toBe(403);
  expect((await restricted.get('commands')).body.commands).toEqual([mine.body]);
  expect((await all.get('commands')).body.commands).toHaveLength(2);
});

describe('one key, one command', () => {
  const KEY = { 'idempotency-key': 'a-key-of-mine' };

  test('the same request again, to any api process, is the same command', async () => {
    const { first, charger, api } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const second = await api();
    const once = await first.post('reset', RESET, KEY);
    expect(await second.post('reset', RESET, KEY)).toMatchObject({ status: 200, body: once.body });
    expect(callsTo(cp)).toHaveLength(1);
  });

  test('many at once, to two processes: one is sent, all get its outcome', async () => {
    const { first, charger, api } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const second = await api();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? first : second).post('reset', RESET, KEY)),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id} ${body.state}`)).size).toBe(1);
    expect(callsTo(cp)).toHaveLength(1);
  });

  test('another request with it is refused, the password in it included', async () => {
    const { first, charger, queues } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const set = (value: string) =>
      first.post('change-configuration', { chargePointId: 'CP', key: 'AuthorizationKey', value }, KEY);
    await set('opensesame-opensesame');
    expect(await set('opensesame-something')).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
    expect(queues.commands).toHaveLength(1);
  });

  test('the keys of another actor are other keys', async () => {
    const { first, charger, api } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    const other = await api({ actor: 'somebody else' });
    const [one, two] = [await first.post('reset', RESET, KEY), await other.post('reset', RESET, KEY)];
    expect(one.body.id).not.toBe(two.body.id);
  });

  test('what is older than memory is asked of the tables; while they are away nothing is sent', async () => {
    let away = true;
    const history: CommandHistory = {
      find: async () => {
        if (away) throw new WattstreamError('QUERY_FAILED', 'away', { canRetry: true });
        return undefined;
      },
      listVersion: async () => 41,
      protocol: async () => undefined,
    };
    const { first, charger, queues } = await stage({ history });
    const cp = await charger();
    answering(cp, ACCEPTED);
    expect(await first.post('reset', RESET, KEY)).toMatchObject({
      status: 503,
      body: { code: 'IDEMPOTENCY_UNKNOWN' },
    });
    expect(queues.commands).toEqual([]);
    away = false;
    expect((await first.post('reset', RESET, KEY)).status).toBe(200);
    const list = await first.post('send-local-list', { chargePointId: 'CP', entries: [] });
    expect(list.body.payload.listVersion).toBe(42);
    const next = await first.post('send-local-list', { chargePointId: 'CP', entries: [] });
    expect(next.body.payload.listVersion).toBe(43);
  });
});

describe('nothing is left open', () => {
  test('who asked dies after `requested`: another api closes it, not delivered', async () => {
    const { queues, api } = await stage();
    const of = { id: '7f3e1a52-1111-4111-8111-111111111111', chargePointId: 'CP' };
    const requested = commandStepOf('command.requested', of, Date.now() - 60_000, {
      action: 'Reset',
      operation: 'reset',
      protocol: 'ocpp1.6',
      payload: {},
      digest: '',
      actor: 'a',
      deadline: new Date(Date.now() - 30_000).toISOString(),
      queueUntil: null,
    });
    await queues.eventPublisher().publishChargingEvent(requested);
    const another = await api();
    await eventually(async () => (await another.command(of.id)).final);
    expect(await another.command(of.id)).toMatchObject({ state: 'timed-out', delivery: 'not-delivered' });
    // Both apis may have said so; it is one step.
    expect(new Set(queues.stepsOf(of.id)).size).toBe(2);
  });

  test('the gateway dies with the command: delivery-unknown', async () => {
    const { first, charger, queues } = await stage();
    await charger();
    queues.fates.push('unknown');
    const events = queues.eventPublisher();
    const asked = first.post('reset', { ...RESET, timeoutSeconds: 0.5 });
    const command = await eventually(() => queues.commands[0]);
    // Its last word; the publish above never arrives in this test's gateway under another connection.
    await events.publishChargingEvent(
      commandStepOf('command.sent', { id: command.id, chargePointId: 'CP' }, Date.now(), {
        gateway: 'g',
        connection: 'c',
      }),
    );
    expect(await asked).toMatchObject({
      status: 504,
      body: { command: { state: 'timed-out', delivery: 'delivery-unknown' } },
    });
  });

  test('a publish of unknown fate is never repeated; one that certainly did not leave is', async () => {
    const { first, charger, queues } = await stage();
    const cp = await charger();
    answering(cp, ACCEPTED);
    queues.fates.push('unknown');
    expect((await first.post('reset', RESET)).status).toBe(200);
    expect(queues.commands).toHaveLength(1);
    queues.fates.push('not-sent', 'not-sent');
    expect((await first.post('reset', RESET)).status).toBe(200);
    expect(queues.commands).toHaveLength(4);
    expect(callsTo(cp)).toHaveLength(2);
  });

  test('the broker is away: 503, and nothing was sent', async () => {
    const { first, charger, queues } = await stage();
    await charger();
    queues.away();
    expect(await first.post('reset', RESET)).toMatchObject({
      status: 503,
      body: { code: 'BROKER_UNREACHABLE' },
    });
    queues.back();
    expect(queues.commands).toEqual([]);
  });
});

describe('kept for a charger that is away', () => {
  const soon = (ms = 3_600_000) => new Date(Date.now() + ms).toISOString();

  test('202, then released and sent when the charger is there', async () => {
    const { first, charger, queues } = await stage();
    const { status, body } = await first.post('reset', { ...RESET, queueUntil: soon() });
    expect([status, body.state, body.protocol]).toEqual([202, 'kept', '']);
    const cp = await charger();
    answering(cp, ACCEPTED);
    await eventually(async () => (await first.command(body.id)).final);
    expect(queues.stepsOf(body.id)).toEqual(['requested', 'kept', 'released', 'sent', 'accepted']);
    expect(queues.kept).toEqual([]);
  });

  test('in order, and once, though the active api dies after the release', async () => {
    const { first, charger, queues, api } = await stage();
    const ids: string[] = [];
    for (const type of ['Soft', 'Hard', 'Soft']) {
      const { body } = await first.post('reset', { chargePointId: 'CP', type, queueUntil: soon() });
      ids.push(body.id);
    }
    // As if the first had released, and had died before the queue was told and the command sent.
    await queues.eventPublisher().publishChargingEvent(
      commandStepOf('command.released', { id: ids[0]!, chargePointId: 'CP' }, Date.now(), {
        deadline: soon(300),
      }),
    );
    await api();
    const cp = await charger();
    answering(cp, ACCEPTED);
    await eventually(async () => (await first.command(ids[2]!)).final);
    expect(callsTo(cp).map(([, id]) => id)).toEqual([ids[1], ids[2]]);
    await eventually(async () => (await first.command(ids[0]!)).final);
    expect(await first.command(ids[0]!)).toMatchObject({ state: 'timed-out', delivery: 'not-delivered' });
    expect(queues.kept).toEqual([]);
  });

  test('two that both believe to be active send it once', async () => {
    const queues = new MemoryQueues();
    const everywhere = queues.keptCommands.bind(queues);
    const takers: Parameters<ReturnType<typeof everywhere>['consume']>[0][] = [];
    queues.keptCommands = () => ({
      ...everywhere(),
      consume: (take) => {
        takers.push(take);
        return { close: async () => {} };
      },
    });
    const { first, charger, api } = await stage({}, queues);
    await api();
    const { body } = await first.post('reset', { ...RESET, queueUntil: soon() });
    const cp = await charger();
    answering(cp, ACCEPTED);
    for (const take of takers) take(queues.kept[0]!, () => {});
    await eventually(async () => (await first.command(body.id)).final);
    await aWhile(100);
    expect(callsTo(cp)).toHaveLength(1);
    expect(queues.commands).toHaveLength(1);
  });

  test('queueUntil passes: offline', async () => {
    const { first, queues } = await stage();
    const { body } = await first.post('reset', { ...RESET, queueUntil: soon(200) });
    await eventually(async () => (await first.command(body.id)).final);
    expect(await first.command(body.id)).toMatchObject({ state: 'offline', delivery: 'not-delivered' });
    await eventually(() => queues.kept.length === 0);
  });

  test('it comes back with a version that has nothing of the kind: failed, and says why', async () => {
    const { first, charger } = await stage();
    const { body } = await first.post('get-base-report', { chargePointId: 'CP', queueUntil: soon() });
    await charger();
    await eventually(async () => (await first.command(body.id)).final);
    expect(await first.command(body.id)).toMatchObject({
      state: 'failed',
      error: { code: 'NOT_IN_THIS_VERSION' },
    });
  });

  test('a charger that is there is not waited for', async () => {
    const { first, charger } = await stage();
    answering(await charger(), ACCEPTED);
    expect(await first.post('reset', { ...RESET, queueUntil: soon() })).toMatchObject({
      status: 200,
      body: { state: 'accepted' },
    });
  });
});
