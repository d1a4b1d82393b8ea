import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

/**
 * The supervisor as it is run: a process of its own (the built one, since signals and kill -9 are the subject),
 * over small programs that stand for the roles.
 */
const built = fileURLToPath(new URL('../../dist/cli/up.js', import.meta.url));

const SUPERVISOR = `
  import { existsSync } from 'node:fs';
  import { up } from ${JSON.stringify(built)};
  const { folder, roles, clickhouse } = JSON.parse(process.argv[2]);
  const plan = async () => ({
    roles: roles.map(({ name, behaviour }) => ({
      name, script: folder + '/role.mjs', args: [name, folder, behaviour], env: {},
      ready: async () => existsSync(folder + '/' + name + '.ready'), stopMs: 500,
    })),
    addresses: { ingest: 'ws://ingest', api: 'http://api', clickhouse },
    remarks: ['a remark'],
  });
  try {
    await up({ plan });
    process.exit(0);
  } catch (error) {
    console.error(error.code + ': ' + error.message);
    process.exit(1);
  }
`;

const ROLE = `
  import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
  const [, , name, folder, behaviour] = process.argv;
  const tell = (what) => appendFileSync(folder + '/events', name + ' ' + what + '\\n');
  tell('began ' + process.pid);
  if (behaviour === 'hopeless') throw new Error('the setting X is wrong');
  process.on('SIGTERM', () => {
    tell('asked');
    if (behaviour !== 'stubborn') process.exit(0);
  });
  if (behaviour === 'worried') console.log(JSON.stringify({ level: 40, msg: 'lag is growing', code: 'LAG' }));
  if (behaviour === 'once' && !existsSync(folder + '/crashed')) {
    writeFileSync(folder + '/crashed', '');
    setTimeout(() => process.exit(3), 200);
  }
  writeFileSync(folder + '/' + name + '.ready', '');
  setInterval(() => {}, 1_000);
`;

let folder: string;
let broker: Server;
let clickhouse: HttpServer;
let sessions = 0;
const supervisors: ChildProcess[] = [];

beforeEach(async () => {
  if (!existsSync(built)) throw new Error(`${built} is missing: npm run build`);
  folder = mkdtempSync(join(tmpdir(), 'wattstream-up-'));
  writeFileSync(join(folder, 'role.mjs'), ROLE);
  writeFileSync(join(folder, 'supervisor.mjs'), SUPERVISOR);
  sessions = 4;
  broker = createServer((socket) => socket.destroy());
  clickhouse = createHttpServer((_request, response) => response.end(`${sessions}\n`));
  for (const server of [broker, clickhouse]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});

afterEach(async () => {
  for (const { child } of supervisors.splice(0).map((child) => ({ child }))) child.kill('SIGKILL');
  broker.close();
  clickhouse.close();
  clickhouse.closeAllConnections();
  await until('every role is gone', () => pids().every((pid) => !isAlive(pid)));
  rmSync(folder, { recursive: true });
});

interface Supervised {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

function supervise(roles: Record<string, string>, data = join(folder, 'data')): Supervised {
  const portOf = (server: Server | HttpServer) => (server.address() as AddressInfo).port;
  const argument = JSON.stringify({
    folder,
    clickhouse: `http://127.0.0.1:${portOf(clickhouse)}`,
    roles: Object.entries(roles).map(([name, behaviour]) => ({ name, behaviour })),
  });
  const child = spawn(process.execPath, [join(folder, 'supervisor.mjs'), argument], {
    env: {
      ...process.env,
      WATTSTREAM_DATA: data,
      RABBITMQ_URL: `amqp://127.0.0.1:${portOf(broker)}`,
      RABBITMQ_STREAM_URL: `rabbitmq-stream://127.0.0.1:${portOf(broker)}`,
    },
  });
  supervisors.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  return { child, said: () => text, ended };
}

const events = (): string[] =>
  existsSync(join(folder, 'events')) ? readFileSync(join(folder, 'events'), 'utf8').trim().split('\n') : [];
const beginnings = (name: string) => events().filter((event) => event.startsWith(`${name} began`));
const pids = () =>
  events()
    .flatMap((event) => /began (\d+)/.exec(event)?.[1] ?? [])
    .map(Number);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(what: string, is: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !is(); await sleep(20)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}

const FIVE = { simulator: 'calm', api: 'calm', analytics: 'calm', ingest: 'calm', clickhouse: 'calm' };

test('stages start in order; a stop goes down the way of a frame, and leaves nothing', async () => {
  const { child, said, ended } = supervise(FIVE);
  await until('it tells where everything is', () => said().includes('ws://ingest/<charge point id>'));
  const order = events().map((event) => event.split(' ')[0]);
  expect(order[0]).toBe('clickhouse');
  expect(order[4]).toBe('simulator');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(events().filter((event) => event.endsWith('asked'))).toEqual([
    'simulator asked',
    'ingest asked',
    'analytics asked',
    'api asked',
    'clickhouse asked',
  ]);
  expect(existsSync(join(folder, 'data', 'up.lock'))).toBe(false);
}, 30_000);

test('the first session counts from those that were there before', async () => {
  const { said } = supervise({ clickhouse: 'calm' });
  await until('all is up', () => said().includes('Ctrl-C'));
  await sleep(300);
  expect(said()).not.toContain('first session');
  sessions++;
  await until('it is told', () => /first session stored after \d+\.\d s/.test(said()));
}, 30_000);

test('a role that dies is started again, and it is said', async () => {
  const { child, said, ended } = supervise({ ingest: 'once' });
  await until('it runs again', () => beginnings('ingest').length === 2);
  expect(said()).toMatch(/ingest ended \(exit code 3\); starting it again in \d+\.\d s/);
  child.kill('SIGINT');
  expect(await ended).toBe(0);
}, 30_000);

test('a role killed with -9 is started again', async () => {
  const { said } = supervise({ analytics: 'calm' });
  await until('all is up', () => said().includes('Ctrl-C'));
  process.kill(pids()[0] as number, 'SIGKILL');
  await until('it runs again', () => beginnings('analytics').length === 2);
  expect(said()).toContain('analytics ended (SIGKILL)');
}, 30_000);

test('a role that cannot start ends the whole start with its own words, and takes the others down', async () => {
  const { said, ended } = supervise({ clickhouse: 'calm', ingest: 'hopeless', api: 'calm' });
  expect(await ended).toBe(1);
  expect(said()).toContain('ROLE_FAILED: ingest ended 3 times before it was ready (exit code 1)');
  expect(said()).toContain('the setting X is wrong');
  expect(pids().filter(isAlive)).toEqual([]);
}, 30_000);

test('a role that does not stop is killed after its deadline', async () => {
  const { child, said, ended } = supervise({ ingest: 'stubborn' });
  await until('all is up', () => said().includes('Ctrl-C'));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(said()).toContain('ingest did not stop within 0.5 s: killed');
}, 30_000);

test('a second Ctrl-C, but not the echo of the first, kills at once', async () => {
  const { child, said, ended } = supervise({ ingest: 'stubborn', analytics: 'stubborn', api: 'stubborn' });
  await until('all is up', () => said().includes('Ctrl-C'));
  child.kill('SIGINT');
  await sleep(50);
  child.kill('SIGINT'); // npm passes on what the terminal has sent already
  await sleep(600);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  await until('every role is gone', () => !pids().some(isAlive), 2_000);
}, 30_000);

test('a supervisor killed with -9 takes its roles with it, and locks nobody out', async () => {
  const first = supervise(FIVE);
  await until('all is up', () => first.said().includes('Ctrl-C'));
  expect(pids().filter(isAlive)).toHaveLength(5);
  first.child.kill('SIGKILL');
  await until('every role is gone', () => !pids().some(isAlive), 2_000);
  const second = supervise(FIVE);
  await until('all is up again', () => second.said().includes('Ctrl-C'));
}, 30_000);

test('two in one data folder: the second says who has it and touches nothing', async () => {
  const first = supervise({ api: 'calm' });
  await until('all is up', () => first.said().includes('Ctrl-C'));
  const second = supervise({ api: 'calm' });
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain(`ALREADY_RUNNING: Process ${first.child.pid} already runs with`);
  expect(beginnings('api')).toHaveLength(1);
  const elsewhere = supervise({ api: 'calm' }, join(folder, 'other'));
  await until('the third, elsewhere, is up', () => elsewhere.said().includes('Ctrl-C'));
}, 30_000);

test('warnings are echoed, and everything is in the log; the log before is kept', async () => {
  const log = join(folder, 'data', 'logs', 'api.log');
  for (const _round of [1, 2]) {
    const { child, said, ended } = supervise({ api: 'worried' });
    await until('it is echoed', () => said().includes('! api: lag is growing (LAG)'));
    await until('all is up', () => said().includes('Ctrl-C'));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readFileSync(log, 'utf8')).toBe('{"level":40,"msg":"lag is growing","code":"LAG"}\n');
  }
  expect(existsSync(`${log}.1`)).toBe(true);
}, 30_000);
