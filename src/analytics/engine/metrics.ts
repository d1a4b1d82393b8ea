import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from '../../platform/metrics.js';
import type { Lane } from './lanes.js';

export interface EngineMetrics {
  /** `code` 0 = no error, else ClickHouse's exception code. */
  finished(labels: {
    kind: string;
    user: string;
    code: number;
    seconds: number;
    bytes: number;
    rows: number;
  }): void;
}

export function engineMetrics(
  registry: Registry,
  lanes: readonly Lane[],
  sessions: () => number,
): EngineMetrics {
  collectDefaultMetrics({ register: registry });
  const common = { registers: [registry] };
  const queries = new Counter({
    ...common,
    name: 'wattstream_clickhouse_queries_total',
    help: 'Queries by kind, user and exception code (0 = none)',
    labelNames: ['kind', 'user', 'code'],
  });
  const seconds = new Histogram({
    ...common,
    name: 'wattstream_clickhouse_query_seconds',
    help: 'From the request until its answer was handed over',
    labelNames: ['kind'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  });
  const bytes = new Counter({
    ...common,
    name: 'wattstream_clickhouse_result_bytes_total',
    help: 'Bytes of results',
  });
  const rows = new Counter({
    ...common,
    name: 'wattstream_clickhouse_inserted_rows_total',
    help: 'Rows inserted',
  });
  new Gauge({
    ...common,
    name: 'wattstream_clickhouse_running',
    help: 'Queries running, by lane',
    labelNames: ['lane'],
    collect() {
      for (const lane of lanes) this.set({ lane: lane.name }, lane.running);
    },
  });
  new Gauge({
    ...common,
    name: 'wattstream_clickhouse_waiting',
    help: 'Queries waiting for a place, by lane',
    labelNames: ['lane'],
    collect() {
      for (const lane of lanes) this.set({ lane: lane.name }, lane.queued);
    },
  });
  new Gauge({
    ...common,
    name: 'wattstream_clickhouse_sessions',
    help: 'Sessions kept for their session_id',
    collect() {
      this.set(sessions());
    },
  });
  return {
    finished(of) {
      queries.inc({ kind: of.kind, user: of.user, code: String(of.code) });
      seconds.observe({ kind: of.kind }, of.seconds);
      bytes.inc(of.bytes);
      rows.inc(of.rows);
    },
  };
}
