/**
 * Commands from the HTTP request to the charger's answer, with roles as processes, two ingest and two api, and chargers
 * of another house. What each test ends with stands in the log of events, which is read here on its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Command, evolveCommand, isOpen } from '../../src/domain/commands/command.js';
import type { CommandStep } from '../../src/domain/messages/charging-events.js';
import { messageNames } from '../../src/domain/messages/names.js';
import { OPERATIONS } from '../../src/domain/ocpp/commands/operations.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import { createRabbitEventLog } from '../../src/streams/rabbitmq/event-log.js';
import {
  type CommandedCharger,
  callError,
  goodAnswer,
  rawCharger,
  strictCharger,
} from '../support/commanded-charger.js';
import {
  apiUrl,
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { startTcpProxy } from '../tcp-proxy.js';

jest.setTimeout(120_000);

let installation: TestInstallation;
let east: RunningRole;
let west: RunningRole;
let first: RunningRole;
let second: RunningRole;
let log: ReturnType<typeof followEvents>;
const chargers: CommandedCharger[] = [];

beforeAll(async () => {
  installation = await testInstallation({
    WATTSTREAM_COMMAND_GRACE_SECONDS: '2',
    WATTSTREAM_COMMAND_SECONDS: '20',
  });
  [east, west, first, second] = await Promise.all([
    installation.start('ingest', { WATTSTREAM_GATEWAY: 'east' }),
    installation.start('ingest', { WATTSTREAM_GATEWAY: 'west' }),
    installation.start('api'),
    installation.start('api'),
  ]);
  log = followEvents();
}, 60_000);
afterEach(async () => {
  for (const charger of chargers.splice(0)) await charger.close();
});
afterAll(async () => {
  await log?.close();
  await installation?.stop();
});

/** The log of events, folded by the rule that everybody has. */
function followEvents() {
  const { WATTSTREAM_PREFIX: prefix = '' } = installation.env;
  const events = createRabbitEventLog({
    address: streamAddress(readSettings()),
    stream: messageNames(prefix).streams.chargingEvents,
  });
  const commands = new Map<string, Command>();
  const steps: CommandStep[] = [];
  events.follow({
    from: { from: 'first' },
    accept({ routingKey, body }) {
      if (!routingKey.startsWith('command.')) return;
      const step = JSON.parse(body) as CommandStep;
      steps.push(step);
      const command = evolveCommand(commands.get(step.commandId), step);
      if (command !== undefined) commands.set(step.commandId, command);
    },
  });
  return { commands, steps, close: () => events.close() };
}

/** Given up long after it should have come, so that a failed test says what it waited for. */
async function eventually<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 45_000; Date.now() < end; await sleep(20)) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`it did not come true: ${ask}`);
}

interface Told {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  readonly body: any;
}
async function post(
  role: RunningRole,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Told> {
  const response = await fetch(`${apiUrl(role)}/charger/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
const commandAt = async (role: RunningRole, id: string) =>
  (await (await fetch(`${apiUrl(role)}/charger/commands/${id}`)).json()) as { state: string; final: boolean };

/** Connected, and the gateway's answer to a question of its own is there. Commands find it a moment later. */
async function connected(charger: CommandedCharger, gateway = east): Promise<CommandedCharger> {
  chargers.push(charger);
  await charger.connect(ocppUrl(gateway));
  const before = charger.got.length;
  // The first command says that it can be reached.
  await eventually(
    async () => (await post(first, 'clear-cache', { chargePointId: charger.id })).status === 200,
  );
  charger.got.splice(before);
  return charger;
}
let names = 0;
const named = (prefix: string): string => `${prefix}-${++names}`;
const in16 = (gateway?: RunningRole) => connected(strictCharger(named('S16'), 'ocpp1.6'), gateway);
const raw16 = (gateway?: RunningRole) => connected(rawCharger(named('R16'), 'ocpp1.6'), gateway);

describe('every operation, to clients that refuse what is not as the schemas say', () => {
  test.each(['ocpp1.6', 'ocpp2.0.1'] as const)('%s', async (protocol) => {
    const charger = await connected(strictCharger(named('ALL'), protocol));
    const outcomes: Record<string, string> = {};
    for (const { name, example } of OPERATIONS) {
      const body = name === 'remote-stop' ? { transactionId: '17' } : example;
      const told = await post(first, name, { chargePointId: charger.id, ...body });
      outcomes[name] = `${told.status} ${told.body.state ?? told.body.code}`;
    }
    const missing = Object.entries(outcomes).filter(([, outcome]) => outcome !== '200 accepted');
    expect(Object.fromEntries(missing)).toEqual(
      protocol === 'ocpp1.6'
        ? {
            'get-base-report': '422 NOT_IN_THIS_VERSION',
            'get-charging-profiles': '422 NOT_IN_THIS_VERSION',
            'get-transaction-status': '422 NOT_IN_THIS_VERSION',
            'get-variables': '422 NOT_IN_THIS_VERSION',
            'set-variables': '422 NOT_IN_THIS_VERSION',
            'cost-updated': '422 NOT_IN_THIS_VERSION',
          }
        : {},
    );
    if (protocol === 'ocpp1.6') {
      const more: [string, object][] = [
        ['trigger-message', { message: 'LogStatusNotification' }],
        [
          'update-firmware',
          { location: 'https://f/1', signature: 'c2ln', signingCertificate: '-----BEGIN CERTIFICATE-----' },
        ],
      ];
      for (const [name, body] of more)
        expect(await post(first, name, { chargePointId: charger.id, ...body })).toMatchObject({
          status: 200,
          body: { state: 'accepted' },
        });
      // All 26 that there are.
      expect(new Set(charger.got.map(({ action }) => action)).size).toBe(26);
    }
  });

  test('ocpp2.1, with a command that only it has', async () => {
    const charger = await connected(rawCharger(named('R21'), 'ocpp2.1'));
    const start = { chargePointId: charger.id, idTag: 'CAFE', evseId: 1 };
    expect(await post(second, 'remote-start', start)).toMatchObject({
      status: 200,
      body: { state: 'accepted', protocol: 'ocpp2.1', action: 'RequestStartTransaction' },
    });
    const priority = { transactionId: 'tx', activate: true };
    const asked = { chargePointId: charger.id, action: 'UsePriorityCharging', payload: priority };
    expect(await post(first, 'commands', asked)).toMatchObject({
      status: 200,
      body: { state: 'accepted' },
    });
    expect(charger.got.at(-1)).toMatchObject({ action: 'UsePriorityCharging', payload: priority });
  });
});

describe('what the charger says, and what it does not', () => {
  test('rejected; CALLERROR; each is the answer, and is in the log', async () => {
    const charger = await in16();
    charger.answer = () => ({ status: 'Rejected' });
    const rejected = await post(first, 'reset', { chargePointId: charger.id });
    expect(rejected).toMatchObject({ status: 200, body: { state: 'rejected', status: 'Rejected' } });
    charger.answer = () => callError('NotSupported', 'not this one');
    const failed = await post(first, 'reset', { chargePointId: charger.id });
    expect(failed).toMatchObject({ status: 200, body: { state: 'failed', error: { code: 'NotSupported' } } });
    await eventually(() => log.commands.get(failed.body.id)?.outcome);
    expect(log.commands.get(rejected.body.id)?.outcome).toMatchObject({
      gateway: 'east',
      status: 'Rejected',
    });
  });

  test('silence is 504, delivery-unknown; an answer that comes too late changes nothing; the next one goes on', async () => {
    const charger = await raw16();
    let late: ((answer: { status: string }) => void) | undefined;
    charger.answer = () =>
      new Promise((resolve) => {
        late = resolve;
      });
    const told = await post(first, 'reset', { chargePointId: charger.id, timeoutSeconds: 1 });
    expect(told).toMatchObject({
      status: 504,
      body: { code: 'COMMAND_TIMED_OUT', command: { delivery: 'delivery-unknown' } },
    });
    late?.({ status: 'Accepted' });
    charger.answer = () => ({ status: 'Accepted' });
    expect((await post(first, 'clear-cache', { chargePointId: charger.id })).status).toBe(200);
    const { id } = told.body.command;
    expect(await commandAt(second, id)).toMatchObject({ state: 'timed-out', final: true });
    expect(log.steps.filter(({ commandId }) => commandId === id).map(({ type }) => type)).toEqual([
      'command.requested',
      'command.sent',
      'command.timed-out',
    ]);
  });

  test('the charger goes in the middle: 504 at once, delivery-unknown', async () => {
    const charger = await raw16();
    charger.answer = () => {
      charger.cut();
      return 'never';
    };
    expect(await post(first, 'reset', { chargePointId: charger.id, timeoutSeconds: 60 })).toMatchObject({
      status: 504,
      body: { command: { delivery: 'delivery-unknown' } },
    });
  });

  test('offline is known at once', async () => {
    const told = await post(first, 'reset', { chargePointId: 'NEVER-SEEN' });
    expect(told).toMatchObject({ status: 409, body: { code: 'CHARGER_OFFLINE' } });
    await eventually(() => log.commands.get(told.body.command.id)?.state === 'offline');
  });

  test('busy: commands wait their turn, in order, one outstanding', async () => {
    const charger = await raw16();
    let underway = 0;
    let most = 0;
    charger.answer = async () => {
      most = Math.max(most, ++underway);
      await sleep(20);
      underway--;
      return { status: 'Accepted' };
    };
    const asked: string[] = [];
    for (let n = 0; n < 8; n++) {
      const { status, body } = await post(
        n % 2 ? first : second,
        'data-transfer',
        { chargePointId: charger.id, vendorId: 'v', data: String(n) },
        { prefer: 'respond-async' },
      );
      expect(status).toBe(202);
      asked.push(body.id);
    }
    await eventually(() => asked.every((id) => log.commands.get(id)?.state === 'accepted'));
    expect(charger.got.map(({ payload }) => payload.data)).toEqual(asked.map((_id, n) => String(n)));
    expect(most).toBe(1);
  });
});

describe('two of everything', () => {
  test('a charger is reached through either api, on either gateway', async () => {
    const [there, here] = [await in16(west), await in16(east)];
    for (const api of [first, second])
      for (const [charger, gateway] of [
        [there, 'west'],
        [here, 'east'],
      ] as const)
        expect(await post(api, 'reset', { chargePointId: charger.id })).toMatchObject({
          status: 200,
          body: { gateway },
        });
  });

  test('a charger moves to the other gateway in the middle: its old command is unknown, the next one finds it there', async () => {
    const charger = await raw16(east);
    charger.answer = () => 'never';
    const asked = post(first, 'reset', { chargePointId: charger.id, timeoutSeconds: 60 });
    await eventually(() => charger.got.length === 1);
    // The old socket stays open, as after the loss of a network: a ghost.
    const again = rawCharger(charger.id, 'ocpp1.6');
    await connected(again, west);
    expect(await asked).toMatchObject({
      status: 504,
      body: { command: { gateway: 'east', delivery: 'delivery-unknown' } },
    });
    expect(await post(first, 'reset', { chargePointId: charger.id })).toMatchObject({
      status: 200,
      body: { gateway: 'west' },
    });
    expect(charger.got).toHaveLength(1);
  });

  test('one Idempotency-Key, both apis, many at once: one command', async () => {
    const charger = await in16(west);
    const key = { 'idempotency-key': named('key') };
    const told = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        post(n % 2 ? first : second, 'reset', { chargePointId: charger.id }, key),
      ),
    );
    expect(new Set(told.map(({ status, body }) => `${status} ${body.state} ${body.id}`)).size).toBe(1);
    expect(charger.got).toHaveLength(1);
    const other = await post(second, 'reset', { chargePointId: charger.id, type: 'Hard' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  test('kept until it is back: in order, once', async () => {
    const charger = rawCharger(named('AWAY'), 'ocpp1.6');
    chargers.push(charger);
    const queueUntil = new Date(Date.now() + 600_000).toISOString();
    const ids: string[] = [];
    for (const type of ['Operative', 'Inoperative']) {
      const told = await post(ids.length ? first : second, 'change-availability', {
        chargePointId: charger.id,
        type,
        queueUntil,
      });
      expect([told.status, told.body.state]).toEqual([202, 'kept']);
      ids.push(told.body.id);
    }
    await charger.connect(ocppUrl(west));
    await eventually(() => ids.every((id) => log.commands.get(id)?.state === 'accepted'));
    expect(charger.got.map(({ id }) => id)).toEqual(ids);
    expect(log.commands.get(ids[0]!)?.steps.map(({ type }) => type)).toEqual([
      'command.requested',
      'command.kept',
      'command.released',
      'command.sent',
      'command.accepted',
    ]);
  });
});

test('kill -9 of a gateway in the middle of many commands: each ends, no charger got one twice', async () => {
  const gateway = await installation.start('ingest', { WATTSTREAM_GATEWAY: 'doomed' });
  const many = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const charger = rawCharger(named('MANY'), 'ocpp1.6');
      charger.answer = async (action, payload) => {
        await sleep(5);
        return goodAnswer('ocpp1.6', action, payload);
      };
      return connected(charger, gateway);
    }),
  );
  const asked = many.flatMap((charger) =>
    Array.from({ length: 10 }, (_, n) =>
      post(n % 2 ? first : second, 'data-transfer', {
        chargePointId: charger.id,
        vendorId: 'v',
        data: String(n),
        timeoutSeconds: 5,
      }),
    ),
  );
  await eventually(() => many.reduce((sum, { got }) => sum + got.length, 0) > 60);
  await gateway.kill('SIGKILL');
  // They come back elsewhere, as chargers do.
  await Promise.all(many.map((charger) => charger.connect(ocppUrl(east))));
  const told = await Promise.all(asked);

  const ids = told.map(({ body }) => (body.command?.id ?? body.id) as string);
  await eventually(() => ids.every((id) => id !== undefined && isOpen(log.commands.get(id)!) === false));
  const byState: Record<string, number> = {};
  for (const [index, id] of ids.entries()) {
    const { state, outcome } = log.commands.get(id)!;
    byState[state] = (byState[state] ?? 0) + 1;
    // What callers were told is what the log says.
    const { status, body } = told[index]!;
    const said = (body.command ?? body) as { state: string; delivery: string | null };
    expect([status === 200 ? said.state : said.state, said.delivery]).toEqual([
      state,
      outcome?.type === 'command.timed-out' ? outcome.delivery : state === 'offline' ? 'not-delivered' : null,
    ]);
  }
  const received = many.flatMap(({ got }) => got.map(({ id }) => id));
  expect(new Set(received).size).toBe(received.length);
  // "Not delivered" is true.
  for (const id of received)
    expect(log.commands.get(id)?.outcome).not.toMatchObject({ delivery: 'not-delivered' });
  expect(byState.accepted).toBeGreaterThan(0);
  expect((byState['timed-out'] ?? 0) + (byState.offline ?? 0)).toBeGreaterThan(0);
});

test('kill -9 of an api in the middle of many commands: asked again with their keys, each has one outcome', async () => {
  const doomed = await installation.start('api');
  const many = await Promise.all(Array.from({ length: 15 }, () => raw16(west)));
  const requests = many.flatMap((charger) =>
    Array.from({ length: 10 }, (_, n) => ({
      body: { chargePointId: charger.id, vendorId: 'v', data: String(n), timeoutSeconds: 5 },
      key: { 'idempotency-key': named('key') },
    })),
  );
  const asked = requests.map(({ body, key }) => post(doomed, 'data-transfer', body, key));
  // Those that are cut off in the middle reject; nobody looks at them before all have ended.
  const answered = Promise.allSettled(asked);
  await eventually(() => many.reduce((sum, { got }) => sum + got.length, 0) > 40);
  await doomed.kill('SIGKILL');
  expect((await answered).some(({ status }) => status === 'rejected')).toBe(true);

  const told = await Promise.all(requests.map(({ body, key }) => post(first, 'data-transfer', body, key)));
  const received = many.flatMap(({ got }) => got.map(({ id }) => id));
  expect(new Set(received).size).toBe(received.length);
  for (const { status, body } of told) {
    const { id, state, delivery } = (body.command ?? body) as { id: string; state: string; delivery: string };
    expect([200, 504]).toContain(status);
    await eventually(() => !isOpen(log.commands.get(id)!));
    expect(log.commands.get(id)?.state).toBe(state);
    if (delivery === 'not-delivered') expect(received).not.toContain(id);
  }
  for (const { commandId } of log.steps) await eventually(() => !isOpen(log.commands.get(commandId)!));
});

test('a gateway without the broker of commands serves its chargers; what they answered meanwhile is told when it is back', async () => {
  const url = new URL(readSettings().RABBITMQ_URL.split(',')[0]!);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5672) });
  const { host, port, username, password, vhost, tls } = streamAddress(readSettings());
  url.host = `${proxy.host}:${proxy.port}`;
  try {
    const gateway = await installation.start('ingest', {
      WATTSTREAM_GATEWAY: 'cut-off',
      RABBITMQ_URL: url.toString(),
      RABBITMQ_STREAM_URL: `rabbitmq-stream${tls ? '+tls' : ''}://${username}:${password}@${host}:${port}/${encodeURIComponent(vhost)}`,
    });
    const charger = await raw16(gateway);
    let answer: ((payload: { status: string }) => void) | undefined;
    charger.answer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const asked = post(first, 'reset', { chargePointId: charger.id, timeoutSeconds: 60 });
    await eventually(() => answer !== undefined);
    proxy.refuse(true);
    proxy.cut();
    expect(await charger.call('Heartbeat', {})).toHaveProperty('currentTime');
    answer?.({ status: 'Accepted' });
    expect(await charger.call('Heartbeat', {})).toHaveProperty('currentTime');
    // Its queue went with its connection.
    expect(await post(first, 'clear-cache', { chargePointId: charger.id })).toMatchObject({
      status: 409,
      body: { code: 'CHARGER_OFFLINE' },
    });
    proxy.refuse(false);
    expect(await asked).toMatchObject({ status: 200, body: { state: 'accepted', gateway: 'cut-off' } });
    charger.answer = () => ({ status: 'Accepted' });
    await eventually(
      async () => (await post(first, 'clear-cache', { chargePointId: charger.id })).status === 200,
    );
    await gateway.kill('SIGTERM');
  } finally {
    await proxy.close();
  }
});
