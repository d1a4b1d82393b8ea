/** Logins on a real broker, with two api processes as far as it can tell: the versions in their log decide, and it is on record. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { readSettings } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { makeFirstAdmin } from '../../registry/first-admin.js';
import type { LoginStore } from '../../registry/logins.js';
import { openRegistry } from '../../registry/rabbitmq/open.js';
import { openLogins } from '../../registry/rabbitmq/open-logins.js';
import type { RegistryStore } from '../../registry/store.js';
import type { LoginLine } from '../../registry/testing/login-process.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { type Accounts, createAccounts } from './accounts.js';
import type { LoginService } from './login.js';

const LONG = 60_000;
let queues: TestQueues;
const closing: (() => Promise<unknown>)[] = [];

interface Process {
  store: RegistryStore;
  loginStore: LoginStore;
  accounts: Accounts;
  logins: LoginService;
}
const processes: Process[] = [];

async function start(): Promise<Process> {
  const connection = queues.connect();
  const publisher = createEventPublisher({ connection, prefix: queues.prefix });
  const registry = openRegistry({
    address: queues.address,
    topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1 },
    connection,
    publisher,
    writeMs: 30_000,
    snapshotEvents: 1_000_000,
    log: silentLogger,
  });
  const logins = openLogins({
    address: queues.address,
    topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1, loginDays: 1 },
    publisher,
    writeMs: 30_000,
    log: silentLogger,
  });
  const accounts = createAccounts({
    settings: readSettings({ WATTSTREAM_JWT_SECRET: 'a secret of more than thirty-two bytes' }),
    store: registry.store,
    loginStore: logins.store,
    publisher,
    now: Date.now,
    log: silentLogger,
  });
  closing.push(async () => {
    await registry.close();
    await logins.close();
    await publisher.close(0);
  });
  await Promise.all([registry.store.replica.level, logins.store.replica.level]);
  return { store: registry.store, loginStore: logins.store, accounts, logins: accounts.routes!.logins };
}

beforeAll(async () => {
  queues = await createTestQueues();
  processes.push(await start(), await start());
}, LONG);
afterAll(async () => {
  for (const close of closing) await close();
  await queues?.close();
}, LONG);

test(
  'two processes at their first start make one admin; a login of one is one of the other; two with the same token are found out; all is on record',
  async () => {
    const [a, b] = processes as [Process, Process];
    const made = (
      await Promise.all(processes.map(({ store }) => makeFirstAdmin(store, 'root@example.com')))
    ).filter((one) => one !== undefined);
    expect(made).toHaveLength(1);
    const { password } = made[0]!;

    // Whichever process made it: the other has read it, or reads on when it is asked.
    await b.store.replica.caughtUp();
    await a.store.replica.caughtUp();
    const pair = await a.logins.login('ROOT@example.com', password, '192.0.2.1');
    const judge = (one: Process, token: string) => {
      const authenticator = one.accounts.authenticators.find((each) => each.recognises(token));
      return authenticator!.authenticate(token);
    };
    // At once, without waiting for anything: `lookTwice` reads on.
    expect(await judge(b, pair.accessToken)).toMatchObject({ id: 'admin', role: 'admin' });

    const both = await Promise.allSettled([
      a.logins.refresh(pair.refreshToken, '192.0.2.1'),
      b.logins.refresh(pair.refreshToken, '192.0.2.66'),
    ]);
    // Within the leeway the second may be somebody whose answer got lost: one turn each, in both processes.
    const tokens = both.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    const turns = tokens.map(({ refreshToken }) => decodeJwt(refreshToken).turn);
    expect(turns.toSorted()).toEqual([2, 3]);
    const [former, newest] = [tokens[turns.indexOf(2)]!, tokens[turns.indexOf(3)]!];
    expect((await b.logins.refresh(newest.refreshToken, '192.0.2.66')).accessToken).toBeDefined();
    // Who comes with the other one shows that there are two, and nobody knows who is who: it ends for both.
    await expect(a.logins.refresh(former.refreshToken, '192.0.2.1')).rejects.toMatchObject({
      code: 'TOKEN_REUSED',
    });
    for (const one of processes) {
      await one.loginStore.replica.caughtUp();
      await expect(judge(one, newest.accessToken)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    }

    const wanted = ['ops.login.succeeded', 'ops.login.refreshed', 'ops.login.reused'];
    const log = createRabbitEventLog({
      address: queues.address,
      stream: queues.names.streams.chargingEvents,
    });
    const stored: { routingKey: string; body: string }[] = [];
    await new Promise<void>((resolve) => {
      log.follow({
        from: { from: 'first' },
        accept: (record) => {
          stored.push(record);
          if (wanted.every((type) => stored.some(({ routingKey }) => routingKey === type))) resolve();
        },
      });
    });
    await log.close();
    const text = stored.map(({ body }) => body).join();
    for (const secret of [
      password,
      pair.refreshToken,
      pair.accessToken,
      'root@example.com',
      'ROOT@example.com',
    ])
      expect(text).not.toContain(secret);
    expect(text).toContain('"accountId":"admin"');
  },
  LONG,
);

test(
  'kill -9 between publish and answer: what was acknowledged goes on at its turn, nothing is there that nobody began',
  async () => {
    const said: LoginLine[] = [];
    const running: ChildProcess[] = [];
    const script = fileURLToPath(new URL('../../../dist/registry/testing/login-process.js', import.meta.url));
    const run = (name: string): ChildProcess => {
      const child = spawn(process.execPath, [script, name], {
        env: { ...process.env, RABBITMQ_URL: queues.directUrl, WATTSTREAM_PREFIX: queues.prefix },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout! }).on('line', (line) => said.push(JSON.parse(line)));
      running.push(child);
      return child;
    };
    const gone = (child: ChildProcess) =>
      new Promise<void>((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGKILL');
      });
    const acknowledged = () => said.flatMap((line) => ('acknowledged' in line ? [line] : []));
    const enough = async (name: string, count: number) => {
      while (acknowledged().filter(({ acknowledged: who }) => who.startsWith(`${name}-`)).length < count)
        await new Promise((resolve) => setTimeout(resolve, 20));
    };
    try {
      const children = ['first', 'second', 'third'].map((name) => [name, run(name)] as const);
      for (const [name, child] of children) {
        await enough(name, 40);
        await gone(child);
      }
    } finally {
      await Promise.all(
        running.filter((child) => child.exitCode === null && child.signalCode === null).map(gone),
      );
    }

    const { loginStore } = await start();
    await loginStore.replica.caughtUp();
    const newest = new Map(acknowledged().map((line) => [line.loginId, line]));
    for (const { loginId, version, acknowledged: accountId } of newest.values()) {
      const login = loginStore.replica.get(loginId);
      expect(login).toMatchObject({ accountId });
      // One turn more where its answer was cut off by the kill.
      expect(login!.version - version).toBeLessThanOrEqual(1);
      expect(login!.version).toBeGreaterThanOrEqual(version);
    }
    const tried = new Set(said.flatMap((line) => ('tried' in line ? [line.tried] : [])));
    const there = [...loginStore.replica.state.logins.values()].filter(({ accountId }) =>
      /^(first|second|third)-/.test(accountId),
    );
    expect(there.filter(({ accountId }) => !tried.has(accountId))).toEqual([]);
    // Each account began once: none is there twice.
    expect(new Set(there.map(({ accountId }) => accountId)).size).toBe(there.length);
    // And goes on from where it is.
    const one = there.find(({ id }) => newest.has(id))!;
    expect(await loginStore.turn(one)).toMatchObject({ version: one.version + 1 });
  },
  LONG,
);

test(
  'the log of logins forgets, and no other log has anything of them',
  async () => {
    const channel = await queues.admin.createChannel();
    channel.on('error', () => {});
    // With other arguments the broker refuses, and says which it has.
    await expect(
      channel.assertQueue(queues.names.streams.logins, {
        durable: true,
        arguments: { 'x-queue-type': 'stream', 'x-max-age': '9D' },
      }),
    ).rejects.toThrow(/x-max-age.*current is '3D'/);
    const log = createRabbitEventLog({ address: queues.address, stream: queues.names.streams.cmsEvents });
    const types: string[] = [];
    await new Promise<void>((resolve) => {
      log.follow({
        from: { from: 'first' },
        accept: ({ routingKey }) => void types.push(routingKey),
        onLevel: resolve,
      });
    });
    await log.close();
    expect(types).toContain('cms.account.created');
    expect(types.filter((type) => type.includes('login'))).toEqual([]);
  },
  LONG,
);
