/**
 * The baseline for analytics: reads every partition from the beginning and only counts. What a reader of the
 * log costs before anything is done with a record.
 */
import { readSettings, streamAddress } from '../platform/config.js';
import { createRabbitReader } from '../streams/rabbitmq/reader.js';

const settings = readSettings();
let records = 0;
const reader = createRabbitReader({
  address: streamAddress(settings),
  prefix: settings.WATTSTREAM_PREFIX,
  partitions: settings.WATTSTREAM_PARTITIONS,
  group: `bare.${process.pid}`,
});
await reader.start({
  activate: async () => ({ from: 'first' }),
  accept: () => {
    records++;
  },
  deactivate: async () => {},
  refused: (refusal) => process.send?.({ refusal: refusal.message }),
});
setInterval(() => process.send?.({ records }), 20);
process.on('disconnect', () => process.exit(0));
