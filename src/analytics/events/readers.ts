/** The streams of events that analytics reads, each with its table. To add one: a line here, its migration, its lines. */
import { messageNames } from '../../domain/messages/names.js';
import { type Settings, streamAddress } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { Registry } from '../../platform/metrics.js';
import type { EventLog } from '../../streams/ports.js';
import type { RabbitEventLogOptions } from '../../streams/rabbitmq/event-log.js';
import type { ClickHouseClient } from '../clickhouse.js';
import type { RowWriter } from '../pipeline/ports.js';
import { CHARGING_EVENTS, chargingEventLine } from './charging-events.js';
import { CMS_EVENTS, cmsEventLines } from './cms-events.js';
import { createEventReaderMetrics } from './metrics.js';
import type { EventTable } from './ports.js';
import { createEventPositions } from './positions.js';
import { EventReader } from './reader.js';

/** Without a prefix: positions and refusals name them so. */
const NAMES = messageNames('').streams;

export const EVENT_TABLES: readonly EventTable[] = [
  {
    stream: NAMES.chargingEvents,
    table: CHARGING_EVENTS,
    open: (epoch) => (record) => chargingEventLine(record, epoch),
  },
  { stream: NAMES.cmsEvents, table: CMS_EVENTS, fromFirst: true, open: cmsEventLines },
];

export interface EventReadersOptions {
  readonly settings: Settings;
  readonly clickhouse: ClickHouseClient;
  readonly rows: RowWriter;
  readonly log: Logger;
  readonly metrics: Registry;
  open(options: RabbitEventLogOptions): EventLog;
}

/** Not started: `withFirstPartition` does that. The caller closes reader and log, in this order. */
export function eventReaders(
  options: EventReadersOptions,
): readonly { name: string; reader: EventReader; log: EventLog }[] {
  const { settings, clickhouse, rows, log: logger } = options;
  const epoch = settings.WATTSTREAM_EVENTS_EPOCH;
  const positions = createEventPositions(clickhouse, {
    generation: settings.WATTSTREAM_GENERATION,
    epoch,
  });
  const metrics = createEventReaderMetrics(options.metrics);
  return EVENT_TABLES.map((table) => {
    const stream = `${settings.WATTSTREAM_PREFIX}${table.stream}`;
    const log = options.open({ address: streamAddress(settings), stream, log: logger });
    const reader = new EventReader({
      log,
      table,
      rows,
      positions,
      epoch,
      flushMs: settings.WATTSTREAM_FLUSH_MS,
      flushRecords: settings.WATTSTREAM_FLUSH_RECORDS,
      checkpointMs: settings.WATTSTREAM_CHECKPOINT_MS,
      acceptedGaps: settings.WATTSTREAM_ACCEPT_GAP,
      logger,
      metrics,
    });
    return { name: table.stream, reader, log };
  });
}
