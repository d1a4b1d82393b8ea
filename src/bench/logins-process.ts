/** Reads the log of logins as every api does at its start, and says how long that took. */
import { readSettings, streamAddress } from '../platform/config.js';
import { silentLogger } from '../platform/logger.js';
import { openLogins } from '../registry/rabbitmq/open-logins.js';

const began = performance.now();
const settings = readSettings();
const { store } = openLogins({
  address: streamAddress(settings),
  topology: {
    amqpUrl: settings.RABBITMQ_URL,
    prefix: settings.WATTSTREAM_PREFIX,
    eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
    loginDays: settings.WATTSTREAM_LOGIN_DAYS,
  },
  publisher: { publishLoginEvent: async () => {} },
  writeMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
  log: silentLogger,
});
await store.replica.level;
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage();
process.send?.({
  seconds,
  processorSeconds: (user + system) / 1_000_000,
  logins: store.replica.state.logins.size,
  readFromLog: store.replica.readSinceSnapshot,
  heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
});
process.on('disconnect', () => process.exit(0));
