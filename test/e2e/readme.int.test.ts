/** What the README tells a newcomer to type, typed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { documentedCommands } from '../support/readme.js';

const commands = documentedCommands(readFileSync('README.md', 'utf8'));
const data = mkdtempSync(join(tmpdir(), 'wattstream-readme-'));
/** As a newcomer's: no ClickHouse is given, so the embedded one is started. The broker is that of the tests. */
const env: NodeJS.ProcessEnv = {
  ...process.env,
  WATTSTREAM_DATA: data,
  WATTSTREAM_PREFIX: `readme-${process.pid}.`,
  CLICKHOUSE_URL: undefined,
  NODE_OPTIONS: undefined,
};

/** What a command shows that is not a session of a simulated charger. */
const SHOWS = { doctor: /Nothing is wrong/, token: /^ey[\w.-]+\s*$/m };

let said = '';
let start: ReturnType<typeof spawn>;
let ended: Promise<number | null>;

beforeAll(async () => {
  start = spawn(process.execPath, ['setup/start.mjs', '--chargers', '4'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  ended = new Promise((resolve) => start.once('close', resolve));
  for (const stream of [start.stdout, start.stderr]) stream?.on('data', (text) => (said += String(text)));
  await until(() => said.includes('first session stored'), 90);
}, 120_000);

afterAll(async () => {
  start.kill('SIGKILL');
  await ended;
  rmSync(data, { recursive: true, force: true });
});

test('npm start says where chargers, dashboards and tables are', () => {
  expect(said).toMatch(/chargers\s+ws:\/\/127\.0\.0\.1:\d+\/ocpp\//);
  expect(said).toMatch(/API\s+http:\/\/127\.0\.0\.1:\d+\/docs/);
});

test('the command of the README reaches its charger', async () => {
  const command = commands.find((line) => line.startsWith('curl -X POST')) as string;
  const port = /API\s+http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  const { code, output } = await run(command.replace(':8080', `:${port}`));
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('"state":"accepted"') });
}, 30_000);

test.each(commands.filter((command) => command.includes('wattstream --')))(
  '%s',
  async (command) => {
    const shown = Object.entries(SHOWS).find(([word]) => command.includes(word))?.[1] ?? /SIM-0001/;
    let output = '';
    // What was just done stands in the tables a moment later.
    for (const end = Date.now() + 20_000; !shown.test(output) && Date.now() < end; ) {
      const done = await run(command);
      expect(done).toMatchObject({ code: 0 });
      output = done.output;
    }
    expect(output).toMatch(shown);
  },
  60_000,
);

test('the password that it shows at the first start opens the API, and stands in no log', async () => {
  await until(() => /password +\S+/.test(said), 60);
  const [, password = ''] = /password +([\w-]+)/.exec(said) ?? [];
  const [, api = ''] = /API +(http:\S+)\/docs/.exec(said) ?? [];
  const login = await fetch(`${api}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ email: 'admin@wattstream.local', password }),
  });
  expect(login.status).toBe(200);
  for (const file of readdirSync(join(data, 'logs')))
    expect({ file, has: readFileSync(join(data, 'logs', file), 'utf8').includes(password) }).toEqual({
      file,
      has: false,
    });
}, 90_000);

test('the SQL of the README is answered', async () => {
  const command = commands.find((line) => line.startsWith('curl')) as string;
  const port = /ClickHouse\s+http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  const { code, output } = await run(command.replace(':8123', `:${port}`));
  expect(code).toBe(0);
  expect(output).toMatch(/^active\t\d+/m);
});

test('Ctrl-C ends it with nothing left behind', async () => {
  start.kill('SIGINT');
  expect(await ended).toBe(0);
  const port = /ws:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
}, 60_000);

function run(command: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

async function until(condition: () => boolean, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1_000;
  while (!condition()) {
    if (Date.now() > deadline || start.exitCode !== null)
      throw new Error(`npm start did not get there:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
