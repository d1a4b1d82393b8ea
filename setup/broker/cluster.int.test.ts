import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { accepts } from '../ports.mjs';
import { privateProgram } from './program.mjs';

/** What the users of a cluster rely on is tested where they are; here, that nothing of it is left behind. */
const program = await privateProgram();
const possible = program ? test : test.skip;
const folder = mkdtempSync(join(tmpdir(), 'wattstream-cluster-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function until(what: string, is: () => Promise<boolean> | boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !(await is()); await sleep(100)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}

possible(
  'its owner killed with -9: all nodes are gone, epmd included',
  async () => {
    const script = `
      import { writeFileSync } from 'node:fs';
      import { startCluster } from ${JSON.stringify(fileURLToPath(new URL('./cluster.mjs', import.meta.url)))};
      const cluster = await startCluster({
        dataDir: ${JSON.stringify(folder)}, program: ${JSON.stringify(program)}, size: 2,
      });
      writeFileSync(${JSON.stringify(join(folder, 'up'))}, cluster.streamUrl);
      setInterval(() => {}, 1_000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    try {
      await until('it is up', () => existsSync(join(folder, 'up')), 200_000);
    } finally {
      owner.kill('SIGKILL');
    }
    const ports: number[] = Object.values(JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')));
    expect(ports).toHaveLength(9);
    const closed = async () => {
      const open = await Promise.all(ports.map((port) => accepts('127.0.0.1', port)));
      return !open.includes(true);
    };
    await until('every port is closed', closed, 30_000);
  },
  240_000,
);
