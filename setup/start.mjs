/** `npm start`: everything, on a machine with nothing but Node. */
import { join } from 'node:path';
import { START_HELP, startArguments } from './arguments.mjs';
import { provideBroker } from './broker.mjs';
import { DATA, FOLDER, START_LOCK } from './folders.mjs';
import { tryLock } from './lock.mjs';
import { prepare } from './prepare.mjs';
import { endsWithin, onStopSignals, spawnLeashed } from './processes.mjs';
import { command, createSay, Problem } from './say.mjs';

command(async () => {
  const began = Date.now();
  const wanted = startArguments(process.argv.slice(2));
  if (wanted.help) {
    console.log(START_HELP);
    return 0;
  }
  const lock = tryLock(START_LOCK);
  if ('owner' in lock) {
    throw new Problem(
      `wattstream is running here already (process ${lock.owner.pid}, data in ${DATA}).`,
      'Stop it first (Ctrl-C there), or start this one with another WATTSTREAM_DATA.',
    );
  }
  const say = createSay();
  /** @type {import('./broker.mjs').Broker | undefined} */
  let broker;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let up;
  let signalled = false;
  onStopSignals({
    stop(signal) {
      signalled = true;
      if (up) up.kill(signal);
      else {
        // Nothing runs yet that would want an orderly end; what was started dies with us.
        lock.release();
        process.exit(130);
      }
    },
    kill() {
      up?.kill('SIGKILL');
      lock.release();
      process.exit(130);
    },
  });

  try {
    // Side by side: one waits for the network, the other for the disk.
    const providing = provideBroker({ dataDir: join(DATA, 'rabbitmq'), say, folder: FOLDER }).then(
      (found) => {
        broker = found;
      },
    );
    await Promise.all([prepare({ folder: FOLDER, dataDir: DATA, say }), providing]);
    const found = /** @type {import('./broker.mjs').Broker} */ (/** @type {unknown} */ (broker));
    say.line(`  RabbitMQ: ${found.how}`);

    // The supervisor waits for the broker itself, and starts ClickHouse meanwhile.
    const speed = wanted.speed === undefined ? [] : ['--speed', String(wanted.speed)];
    const main = join(FOLDER, 'dist', 'cli', 'main.js');
    const child = spawnLeashed(
      [process.execPath, '--enable-source-maps', main, 'up', '--chargers', String(wanted.chargers), ...speed],
      {
        env: {
          ...process.env,
          WATTSTREAM_DATA: DATA,
          WATTSTREAM_BEGAN: String(began),
          RABBITMQ_URL: found.amqpUrl,
          RABBITMQ_STREAM_URL: found.streamUrl,
          ...(found.managementUrl ? { RABBITMQ_MANAGEMENT_URL: found.managementUrl } : {}),
        },
        stdio: 'inherit',
      },
    );
    up = child;
    const ended = new Promise((resolve) => child.once('close', resolve));
    const brokerFailed = found.ready.then(
      () => new Promise(() => {}),
      (error) => error,
    );
    const failure = await Promise.race([ended.then(() => undefined), brokerFailed]);
    if (failure !== undefined) {
      child.kill('SIGTERM');
      await endsWithin(child, 30_000);
      throw failure;
    }
    if (child.signalCode !== null && !signalled) say.warn(`the supervisor ended by ${child.signalCode}`);
    return child.exitCode ?? (signalled ? 130 : 1);
  } finally {
    if (broker) {
      const stopping = /** @type {import('./broker.mjs').Broker} */ (/** @type {unknown} */ (broker));
      const stopBegan = Date.now();
      await stopping.stop();
      say.line(`  broker stopped ${((Date.now() - stopBegan) / 1000).toFixed(1)} s`);
    }
    lock.release();
  }
});
