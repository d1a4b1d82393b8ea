/**
 * A process that writes tariffs until it is killed: `node writer-process.js <name>`. It contends with others for the
 * same few, and says on its output, a line each and at once, what it tries and what was acknowledged.
 */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { readSettings, streamAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { openRegistry } from '../rabbitmq/open.js';

export type WriterLine =
  | { readonly tried: string }
  | { readonly acknowledged: string; readonly id: string; readonly version: number }
  | { readonly refused: string; readonly code: string };

const TARIFFS = 3;
const say = (line: WriterLine): void => {
  // Not through a buffer: a line that was said survives the kill.
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const settings = readSettings();
const name = process.argv[2] ?? 'writer';
const prefix = settings.WATTSTREAM_PREFIX;
const connection = new QueueConnection({ amqpUrl: settings.RABBITMQ_URL, name });
const { store } = openRegistry({
  address: streamAddress(settings),
  topology: { amqpUrl: settings.RABBITMQ_URL, prefix, eventsRetentionDays: 1 },
  log: silentLogger,
  connection,
  publisher: createEventPublisher({ connection, prefix }),
  writeMs: 30_000,
  snapshotEvents: 20,
});
await store.replica.level;

for (let number = 0; ; number++) {
  const id = `t-${number % TARIFFS}`;
  const text = `${name} ${randomUUID()}`;
  const current = store.replica.get('tariff', id);
  say({ tried: text });
  try {
    const { version } = await store.propose({
      kind: 'tariff',
      id,
      change: current === undefined ? 'created' : 'updated',
      ...(current === undefined ? {} : { version: current.version }),
      state: {
        id,
        currency: 'EUR',
        tariff_alt_text: [{ language: 'en', text }],
        elements: [{ price_components: [{ type: 'ENERGY', price: 0.25, step_size: 1 }] }],
      },
      actor: name,
    });
    say({ acknowledged: text, id, version });
  } catch (error) {
    say({ refused: text, code: error instanceof WattstreamError ? error.code : String(error) });
  }
}
