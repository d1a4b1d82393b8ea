/** `npm run reset`: removes everything that was stored. Programs, dependencies and caches stay. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeDockerData } from './broker/docker.mjs';
import { lookAround } from './broker/machine.mjs';
import { DATA, FOLDER, START_LOCK, UP_LOCK } from './folders.mjs';
import { lockOwner } from './lock.mjs';
import { command, createSay, Problem } from './say.mjs';
import { livingRuns } from './services.mjs';

command(async () => {
  const say = createSay();
  const pid = [
    lockOwner(START_LOCK)?.pid,
    lockOwner(UP_LOCK)?.pid,
    lockOwner(join(DATA, 'prepare.lock'))?.pid,
    ...livingRuns(),
  ].find((one) => one !== undefined);
  if (pid !== undefined) throw new Problem(`Process ${pid} is using ${DATA}.`, 'Stop it first.');
  const machine = await lookAround({ ...process.env, RABBITMQ_URL: '', RABBITMQ_STREAM_URL: '' });
  if (machine.docker && (await removeDockerData({ folder: FOLDER })).code === 0)
    say.line('✔ container of npm start removed');
  if (!existsSync(DATA)) {
    say.line(`nothing to remove: ${DATA} does not exist`);
    return 0;
  }
  rmSync(DATA, { recursive: true, force: true });
  say.line(`✔ ${DATA} removed`);
  return 0;
});
