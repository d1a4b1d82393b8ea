import { Counter, Gauge, Histogram, type Registry } from '../../platform/metrics.js';

export const liveMetrics = (registry: Registry) => ({
  notifications: new Counter({
    name: 'wattstream_live_notifications_total',
    help: 'Notifications that reached this process: news, gap (news after one that was missed), repeated, older',
    labelNames: ['verdict'],
    registers: [registry],
  }),
  lag: new Histogram({
    name: 'wattstream_live_lag_seconds',
    help: 'From what happened to its notification being handed to browsers',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 5, 60],
    registers: [registry],
  }),
  restarts: new Counter({
    name: 'wattstream_live_room_restarts_total',
    help: 'Rooms that began a new epoch, by reason',
    labelNames: ['reason'],
    registers: [registry],
  }),
  sockets: new Gauge({
    name: 'wattstream_live_sockets',
    help: 'Live connections open',
    registers: [registry],
  }),
  closed: new Counter({
    name: 'wattstream_live_closed_total',
    help: 'Live connections that this side closed, by code',
    labelNames: ['code'],
    registers: [registry],
  }),
  snapshots: new Histogram({
    name: 'wattstream_live_snapshot_seconds',
    help: 'Time to read a snapshot',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  }),
});
export type LiveMetrics = ReturnType<typeof liveMetrics>;
