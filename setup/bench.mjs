/** `npm run bench [-- arguments]`: a broker and a ClickHouse that nobody else uses, then dist/bench/main.js. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DATA, FOLDER, START_LOCK } from './folders.mjs';
import { lockOwner } from './lock.mjs';
import { prepare } from './prepare.mjs';
import { onStopSignals, spawnLeashed } from './processes.mjs';
import { command, createSay, Problem } from './say.mjs';
import { startServices } from './services.mjs';

command(async () => {
  const say = createSay();
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  let interrupted = false;
  onStopSignals({
    stop() {
      interrupted = true;
      child?.kill('SIGTERM');
    },
    kill: () => process.exit(130),
  });
  const owner = lockOwner(START_LOCK);
  if (owner)
    say.warn(`"npm start" is running (process ${owner.pid}); what it uses is missing in the figures`);
  await prepare({ folder: FOLDER, dataDir: DATA, say });
  const script = join(FOLDER, 'dist', 'bench', 'main.js');
  if (!existsSync(script)) throw new Problem(`${script} does not exist.`, 'Run "npm run build".');
  const services = await startServices({ purpose: 'bench', share: false, say });
  try {
    if (interrupted) return 130;
    const bench = spawnLeashed([process.execPath, '--enable-source-maps', script, ...process.argv.slice(2)], {
      cwd: FOLDER,
      env: { ...process.env, ...services.env },
      stdio: 'inherit',
    });
    child = bench;
    return await new Promise((resolve) =>
      bench.once('close', (code) => resolve(interrupted ? 130 : (code ?? 1))),
    );
  } finally {
    await services.stop();
  }
});
