import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'wattstream-processes-'));
const here = fileURLToPath(new URL('.', import.meta.url));

/** Stands for any script here: tells that it runs, and which signal ended it. */
const SCRIPT = `
  import { writeSync } from 'node:fs';
  import { onStopSignals } from ${JSON.stringify(join(here, 'processes.mjs'))};
  const end = (signal) => { writeSync(1, signal); process.exit(0); };
  onStopSignals({ stop: end, kill: end });
  setInterval(() => {}, 1_000);
  writeSync(1, 'runs ');
`;

const names = ['start', 'test', 'bench', 'fuzz', 'chaos'];

beforeAll(() => {
  const { scripts } = JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', scripts }));
  mkdirSync(join(folder, 'setup'));
  for (const name of names) writeFileSync(join(folder, 'setup', `${name}.mjs`), SCRIPT);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Groups of processes, by their leader. */
const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  }
});

// npm hands the signal to its shell; dash, waiting for its command, neither ends nor passes it on.
test.each(names)(
  'npm run %s: a SIGINT to npm alone, as supervisors send it, ends what it runs',
  async (name) => {
    const npm = spawn('npm', ['run', '--silent', name], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(npm.pid as number);
    let output = '';
    npm.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      if (output === 'runs ') npm.kill('SIGINT');
    });
    await new Promise((resolve) => npm.once('close', resolve));
    expect(output).toBe('runs SIGINT');
  },
);
