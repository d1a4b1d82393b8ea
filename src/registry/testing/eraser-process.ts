/**
 * A process that makes accounts and erases every other one until it is killed: `node eraser-process.js <name>`. It says on
 * its output, a line each and at once, what was acknowledged and when it is about to destroy keys.
 */
import { writeSync } from 'node:fs';
import { readSettings, streamAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { openRegistry } from '../rabbitmq/open.js';

export type EraserLine =
  | { readonly made: string }
  | { readonly erased: string }
  | { readonly destroying: string }
  | { readonly destroyed: string }
  | { readonly failed: string };

const say = (line: EraserLine): void => {
  // Not through a buffer: a line that was said survives the kill.
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const settings = readSettings();
const name = process.argv[2] ?? 'eraser';
const prefix = settings.WATTSTREAM_PREFIX;
const connection = new QueueConnection({ amqpUrl: settings.RABBITMQ_URL, name });
const { store } = openRegistry({
  address: streamAddress(settings),
  topology: { amqpUrl: settings.RABBITMQ_URL, prefix, eventsRetentionDays: 1 },
  log: silentLogger,
  connection,
  publisher: createEventPublisher({ connection, prefix }),
  writeMs: 30_000,
  snapshotEvents: 1_000_000,
});
await store.replica.level;

for (let number = 0; ; number++) {
  const id = `${name}-${number}`;
  try {
    await store.propose({
      kind: 'account',
      id,
      change: 'created',
      state: {
        id,
        role: 'customer',
        name: `Name of ${id}`,
        email: `${id}@person.example`,
        disabled: false,
      },
      actor: name,
    });
    say({ made: id });
    if (number % 2 === 0) continue;
    await store.propose({
      kind: 'account',
      id,
      change: 'updated',
      state: { id, role: 'customer', disabled: true, erased: new Date().toISOString() },
      actor: name,
    });
    say({ erased: id });
    say({ destroying: id });
    await store.keys?.destroyed();
    say({ destroyed: id });
  } catch (error) {
    say({ failed: error instanceof WattstreamError ? error.code : String(error) });
  }
}
