/** Reads the registry as every ingest and api does at its start, and says how long that took. */
import { readSettings, streamAddress } from '../platform/config.js';
import { silentLogger } from '../platform/logger.js';
import { openReplica } from '../registry/rabbitmq/open.js';

const began = performance.now();
const settings = readSettings();
const { replica } = openReplica({
  address: streamAddress(settings),
  topology: {
    amqpUrl: settings.RABBITMQ_URL,
    prefix: settings.WATTSTREAM_PREFIX,
    eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
  },
  log: silentLogger,
});
await replica.level;
process.send?.({
  seconds: (performance.now() - began) / 1_000,
  entities: Object.values(replica.state.entities).reduce((sum, one) => sum + one.size, 0),
  readFromLog: replica.readSinceSnapshot,
  heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
});
process.on('disconnect', () => process.exit(0));
