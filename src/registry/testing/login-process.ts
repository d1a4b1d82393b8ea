/**
 * A process that logs in and refreshes until it is killed: `node login-process.js <name>`. It says on its output, a line each
 * and at once, what it tries and what was acknowledged.
 */
import { writeSync } from 'node:fs';
import { readSettings, streamAddress } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { openLogins } from '../rabbitmq/open-logins.js';

export type LoginLine =
  | { readonly tried: string }
  | { readonly acknowledged: string; readonly loginId: string; readonly version: number };

/** Of an account each: none gives way to a newer one. */
const LOGINS = 4;
const TURNS = 5;
const say = (line: LoginLine): void => {
  // Not through a buffer: a line that was said survives the kill.
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const settings = readSettings();
const name = process.argv[2] ?? 'process';
const prefix = settings.WATTSTREAM_PREFIX;
const connection = new QueueConnection({ amqpUrl: settings.RABBITMQ_URL, name });
const { store } = openLogins({
  address: streamAddress(settings),
  topology: { amqpUrl: settings.RABBITMQ_URL, prefix, eventsRetentionDays: 1, loginDays: 1 },
  publisher: createEventPublisher({ connection, prefix }),
  writeMs: 30_000,
  log: silentLogger,
});
await store.replica.level;

for (let round = 0; ; round++)
  for (let number = 0; number < LOGINS; number++) {
    const accountId = `${name}-${round}-${number}`;
    say({ tried: accountId });
    let login = await store.begin({ accountId, lifeMs: 86_400_000, credential: name });
    say({ acknowledged: accountId, loginId: login.id, version: 1 });
    for (let turn = 1; turn <= TURNS; turn++) {
      say({ tried: accountId });
      const turned = await store.turn(login);
      if (turned === undefined) throw new Error('nobody else has this login');
      login = turned;
      say({ acknowledged: accountId, loginId: login.id, version: login.version });
    }
  }
