import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accepts } from '../ports.mjs';
import { createSay } from '../say.mjs';
import { readEndpoint } from './endpoint.mjs';
import { managementOf } from './management.mjs';
import type { Program } from './node.mjs';
import { startNode } from './node.mjs';
import { privateProgram } from './program.mjs';

/**
 * The private node on the machine that runs the tests, in the way that machine offers. Where none is to be
 * had (an ordinary user without RabbitMQ, tests on a given broker) there is nothing to test.
 */
const said: string[] = [];
const say = createSay({ write: (text: string) => said.push(text) });
const found = await privateProgram({ say });
const possible = found ? test : test.skip;
const program = found as Program;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wattstream-node-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const portsOf = (dataDir: string): number[] =>
  Object.values(JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')));

async function allClosed(dataDir: string): Promise<boolean> {
  const open = await Promise.all(portsOf(dataDir).map((port) => accepts('127.0.0.1', port)));
  return !open.includes(true);
}

/** Runs until `is` says yes, or fails after `ms`. */
async function until(what: string, is: () => Promise<boolean> | boolean, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !(await is()); await sleep(100)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}\n${said.join('')}`);
  }
}

possible(
  'stopped, killed, stopped again: it keeps its data and its addresses, and leaves no port open',
  async () => {
    const dataDir = join(folder, 'kept');
    const first = await startNode({ dataDir, program, say });
    await first.ready;
    await managementOf(first).createVhost('kept');
    expect(readEndpoint(dataDir)).toMatchObject({ amqp: first.amqpUrl, stream: first.streamUrl });

    // A node that dies is started again on the same ports, while its users try to reconnect.
    process.kill(readEndpoint(dataDir)?.pid ?? 0, 'SIGKILL');
    await until('it is down', () => readEndpoint(dataDir) === undefined);
    await until('it is back', () => readEndpoint(dataDir) !== undefined);
    expect(said.join('')).toContain('the private RabbitMQ ended; starting it again');
    expect(readEndpoint(dataDir)?.amqp).toBe(first.amqpUrl);
    await first.stop();
    expect(readEndpoint(dataDir)).toBeUndefined();
    expect(await allClosed(dataDir)).toBe(true);

    const second = await startNode({ dataDir, program, say });
    await second.ready;
    expect(second.amqpUrl).toBe(first.amqpUrl);
    await managementOf(second).deleteVhost('kept'); // fails if it had been forgotten
    await second.stop();
    expect(await allClosed(dataDir)).toBe(true);
  },
  120_000,
);

possible(
  'its owner killed with -9: it is gone at once, epmd included',
  async () => {
    const dataDir = join(folder, 'orphan');
    const script = `
      import { startNode } from ${JSON.stringify(fileURLToPath(new URL('./node.mjs', import.meta.url)))};
      const node = await startNode({
        dataDir: ${JSON.stringify(dataDir)}, program: ${JSON.stringify(program)},
        say: { line() {}, warn() {}, step: (name, work) => work() },
      });
      await node.ready;
      setInterval(() => {}, 1_000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await until('it is up', () => readEndpoint(dataDir) !== undefined);
    owner.kill('SIGKILL');
    await until('every port is closed', () => allClosed(dataDir), 3_000);
    expect(readEndpoint(dataDir)).toBeUndefined();
  },
  60_000,
);
