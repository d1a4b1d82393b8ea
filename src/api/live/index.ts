/** The live view, put together out of its parts and the settings. */
import type { Queries } from '../../analytics/ports.js';
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { Registry } from '../../platform/metrics.js';
import type { EventLog } from '../../streams/ports.js';
import type { Authentication } from '../auth/authenticator.js';
import { LiveCosts, type SessionPrices } from './costs.js';
import { Hub } from './hub.js';
import { liveMetrics } from './metrics.js';
import type { NotificationFeed, Whereabouts } from './ports.js';
import { primeFrom } from './prime.js';
import { createLive, type LiveServer } from './sockets.js';

export interface LiveViewOptions {
  readonly settings: Pick<
    Settings,
    | 'WATTSTREAM_API_ALLOWED_HOSTS'
    | 'WATTSTREAM_API_ALLOWED_ORIGINS'
    | 'WATTSTREAM_LIVE_ROOMS_PER_SOCKET'
    | 'WATTSTREAM_LIVE_SOCKETS_PER_PRINCIPAL'
    | 'WATTSTREAM_LIVE_MESSAGE_BYTES'
    | 'WATTSTREAM_LIVE_BUFFER_BYTES'
    | 'WATTSTREAM_LIVE_REPLAY'
    | 'WATTSTREAM_LIVE_ROOM_SECONDS'
    | 'WATTSTREAM_LIVE_MEMORY_SECONDS'
    | 'WATTSTREAM_LIVE_SNAPSHOT_ROWS'
    | 'WATTSTREAM_LIVE_COST_SECONDS'
    | 'WATTSTREAM_LIVE_COST_SESSIONS'
  >;
  readonly queries: Queries;
  readonly authentication: Authentication;
  readonly feed: NotificationFeed;
  readonly events: EventLog;
  readonly whereabouts: Whereabouts;
  readonly prices: SessionPrices;
  readonly metrics: Registry;
  readonly log: Logger;
  readonly now?: () => number;
}

export interface LiveView extends LiveServer {
  /** What the process has heard of where chargers stand, the registry's word first. */
  stationOf(chargePointId: string): string | undefined;
}

/** Snapshots wait no longer than this for the events log. */
const PRIME_MS = 8_000;

export function createLiveView(options: LiveViewOptions): LiveView {
  const { settings, queries, authentication, feed, events, whereabouts, now = Date.now } = options;
  const log = options.log.child({ part: 'live' });
  const metrics = liveMetrics(options.metrics);
  const costs = new LiveCosts({
    prices: options.prices,
    everyMs: settings.WATTSTREAM_LIVE_COST_SECONDS * 1_000,
    batch: settings.WATTSTREAM_LIVE_COST_SESSIONS,
    now,
    tell: (news) => hub.notification(news),
    log,
  });
  const hub: Hub = new Hub({
    memoryMs: settings.WATTSTREAM_LIVE_MEMORY_SECONDS * 1_000,
    roomMs: settings.WATTSTREAM_LIVE_ROOM_SECONDS * 1_000,
    replay: settings.WATTSTREAM_LIVE_REPLAY,
    whereabouts,
    prime: primeFrom(events, PRIME_MS),
    costs,
    now,
    metrics,
    log,
  });
  const live = createLive({
    hub,
    costs,
    queries,
    authentication,
    hosts: settings.WATTSTREAM_API_ALLOWED_HOSTS,
    origins: settings.WATTSTREAM_API_ALLOWED_ORIGINS,
    limits: {
      roomsPerSocket: settings.WATTSTREAM_LIVE_ROOMS_PER_SOCKET,
      socketsPerPrincipal: settings.WATTSTREAM_LIVE_SOCKETS_PER_PRINCIPAL,
      messageBytes: settings.WATTSTREAM_LIVE_MESSAGE_BYTES,
      bufferBytes: settings.WATTSTREAM_LIVE_BUFFER_BYTES,
      snapshotRows: settings.WATTSTREAM_LIVE_SNAPSHOT_ROWS,
    },
    metrics,
    log,
  });
  const listening = feed.listen(hub);
  return {
    stationOf: (id) => hub.stationOf(id),
    attach: (server) => live.attach(server),
    async close() {
      await live.close();
      await costs.close();
      await listening.close();
    },
  };
}
