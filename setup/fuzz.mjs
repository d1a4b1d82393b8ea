/** `npm run fuzz [-- arguments]`: a broker and a ClickHouse that nobody else uses, then dist/fuzz/main.js. */
import { join } from 'node:path';
import { DATA, FOLDER } from './folders.mjs';
import { prepare } from './prepare.mjs';
import { onStopSignals, spawnLeashed } from './processes.mjs';
import { command, createSay } from './say.mjs';
import { startServices } from './services.mjs';

const SCRIPT = join(FOLDER, 'dist', 'fuzz', 'main.js');

command(async () => {
  const say = createSay();
  const wanted = process.argv.slice(2);
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  let interrupted = false;
  onStopSignals({
    stop() {
      interrupted = true;
      child?.kill('SIGTERM');
    },
    kill: () => process.exit(130), // everything is on the leash
  });
  await prepare({ folder: FOLDER, dataDir: DATA, say });
  /** @param {Record<string, string>} env */
  const run = (env) => {
    const fuzz = spawnLeashed([process.execPath, '--enable-source-maps', SCRIPT, ...wanted], {
      cwd: FOLDER,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    child = fuzz;
    return new Promise((resolve) => fuzz.once('close', (code) => resolve(interrupted ? 130 : (code ?? 1))));
  };
  if (wanted.some((one) => one === '--help' || one === '-h')) return run({});
  const services = await startServices({ purpose: 'fuzz', share: false, say });
  try {
    return interrupted ? 130 : await run(services.env);
  } finally {
    await services.stop();
  }
});
