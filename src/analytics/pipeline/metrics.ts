import { Counter, Gauge, Histogram, type Registry } from '../../platform/metrics.js';

/** Everything analytics counts, in one table. */
export function createProcessorMetrics(registry: Registry) {
  const registers = [registry];
  return {
    records: new Counter({
      name: 'wattstream_records_total',
      help: 'Records written from the log to the tables',
      registers,
    }),
    rows: new Counter({
      name: 'wattstream_rows_total',
      help: 'Rows inserted',
      labelNames: ['table'],
      registers,
    }),
    checkpoints: new Counter({ name: 'wattstream_checkpoints_total', help: 'Checkpoints taken', registers }),
    failures: new Counter({
      name: 'wattstream_clickhouse_failures_total',
      help: 'Writes that ClickHouse did not take at first',
      registers,
    }),
    refusals: new Counter({
      name: 'wattstream_refusals_total',
      help: 'Partitions that were stopped',
      labelNames: ['code'],
      registers,
    }),
    partitions: new Gauge({
      name: 'wattstream_partitions',
      help: 'Partitions this process is reading',
      registers,
    }),
    announcements: new Counter({
      name: 'wattstream_announcements_total',
      help: 'Announcements that RabbitMQ has confirmed',
      labelNames: ['type'],
      registers,
    }),
    announcementsUnconfirmed: new Gauge({
      name: 'wattstream_announcements_unconfirmed',
      help: 'Announcements waiting for a confirm',
      registers,
    }),
    announcementsDropped: new Counter({
      name: 'wattstream_announcements_dropped_total',
      help: 'Announcements left out: too_old, invalid',
      labelNames: ['reason'],
      registers,
    }),
    flushSeconds: new Histogram({
      name: 'wattstream_flush_seconds',
      help: 'Time from the cut to the last row or marker',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  };
}

export type ProcessorMetrics = ReturnType<typeof createProcessorMetrics>;
