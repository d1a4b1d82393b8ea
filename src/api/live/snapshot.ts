/**
 * What a room shows at one moment: what the tables say, and laid over it the newest notification about each thing
 * where that is newer (by version). Reading takes time; the notifications are laid over at its end and at once, so the
 * snapshot holds everything that was announced until then.
 */
import type { Queries } from '../../analytics/ports.js';
import type { SessionView } from '../../domain/messages/charging-events.js';
import type { StationOf } from '../auth/access.js';
import { camelCased } from '../camel-case.js';
import type { News } from './news.js';
import type { Snapshot } from './protocol.js';
import { placeOf, roomsOf } from './rooms.js';
import type { RunningCommand } from './running-commands.js';
import { standingOf } from './subject.js';

type ChargerIn = Snapshot['chargers'][number];
type ConnectorIn = Snapshot['connectors'][number];
type SessionIn = Snapshot['sessions'][number];

/** What the tables said, by subject. */
export interface Tables {
  readonly chargers: Map<string, ChargerIn>;
  readonly connectors: Map<string, ConnectorIn>;
  readonly sessions: Map<string, SessionIn>;
  readonly truncated: boolean;
}

/** Rows read at most: a station's are picked out of all, since the tables do not know where a charger stands. */
const ALL = 100_000;

/** Rejects with QUERY_FAILED. */
export async function readTables(
  queries: Queries,
  room: string,
  { stationOf, limit }: { stationOf: StationOf; limit: number },
): Promise<Tables> {
  const { kind, id } = placeOf(room);
  const rows = kind === 'station' ? ALL : limit + 1;
  const at = { charge_point_id: kind === 'charger' ? id : '', limit: rows };
  const ofSessions = {
    ...at,
    station_id: kind === 'station' ? id : '',
    account_id: kind === 'user' ? id : '',
  };
  // A customer sees sessions of the own account; what else a charger does is no business of theirs.
  const none = Promise.resolve({ rows: [] as readonly Record<string, unknown>[] });
  const [chargers, connectors, sessions] = await Promise.all([
    kind === 'user' ? none : queries.ask('snapshot-chargers', at),
    kind === 'user' ? none : queries.ask('snapshot-connectors', at),
    queries.ask('snapshot-sessions', ofSessions),
  ]);
  const here = (chargePointId: string) => kind !== 'station' || stationOf(chargePointId) === id;
  const tables: Tables = {
    chargers: new Map(),
    connectors: new Map(),
    sessions: new Map(),
    truncated: [chargers, connectors, sessions].some((answer) => answer.rows.length >= rows),
  };
  for (const row of chargers.rows) {
    const charger = camelCased<ChargerIn>(row);
    if (!here(charger.chargePointId)) continue;
    tables.chargers.set(charger.chargePointId, {
      ...charger,
      stationId: stationOf(charger.chargePointId) ?? null,
    });
  }
  for (const row of connectors.rows) {
    const connector = camelCased<ConnectorIn>(row);
    if (here(connector.chargePointId)) tables.connectors.set(keyOf(connector), connector);
  }
  for (const row of sessions.rows) {
    const session = sessionOf(row);
    tables.sessions.set(session.sessionId, session);
  }
  return tables;
}

/** Pure; `tables` is used up. */
export function compose(
  room: string,
  tables: Tables,
  newer: {
    readonly recent: Iterable<News>;
    readonly commands: readonly RunningCommand[];
    readonly costOf: (sessionId: string) => SessionIn['cost'];
    readonly stationOf: StationOf;
    readonly limit: number;
  },
): Snapshot {
  const { chargers, connectors, sessions } = tables;
  for (const notification of newer.recent) {
    const { event } = notification;
    if ('entityId' in event) continue;
    const shown = roomsOf(notification).includes(room);
    const version = standingOf(notification)?.version ?? 0;
    switch (event.type) {
      case 'charger.online':
      case 'charger.offline': {
        if (!shown || version <= (chargers.get(event.chargePointId)?.version ?? -1)) break;
        chargers.set(event.chargePointId, {
          chargePointId: event.chargePointId,
          stationId: event.stationId || null,
          online: event.type === 'charger.online',
          protocol: event.protocol,
          gateway: event.gateway,
          address: event.address,
          since: event.at,
          version,
        });
        break;
      }
      case 'connector.status': {
        const key = keyOf(event);
        if (!shown || version <= (connectors.get(key)?.version ?? -1)) break;
        const { chargePointId, evseId, connectorId, status, errorCode, vendorCode, since } = event;
        connectors.set(key, {
          chargePointId,
          evseId,
          connectorId,
          status,
          errorCode,
          vendorCode,
          since,
          version,
        });
        break;
      }
      case 'session.vanished':
        if (version > (sessions.get(event.sessionId)?.version ?? -1)) sessions.delete(event.sessionId);
        break;
      case 'session.started':
      case 'session.updated':
      case 'session.stopped': {
        const row = sessions.get(event.session.sessionId);
        if (row === undefined ? shown : version > row.version)
          sessions.set(event.session.sessionId, { ...event.session, version, cost: null });
        // No table has the newest sample of power: the last that was announced stands until the next.
        else if (row !== undefined) sessions.set(row.sessionId, { ...row, powerW: event.session.powerW });
        break;
      }
    }
  }
  const { kind, id } = placeOf(room);
  const commands = newer.commands.filter(
    ({ chargePointId }) =>
      kind === 'operator' ||
      (kind === 'charger' && chargePointId === id) ||
      (kind === 'station' && newer.stationOf(chargePointId) === id),
  );
  const active = [...sessions.values()]
    .filter(({ status }) => status === 'active')
    .map((session) => ({ ...session, cost: newer.costOf(session.sessionId) }));
  const first = <T>(all: Iterable<T>): T[] => [...all].slice(0, newer.limit);
  return {
    chargers: first(chargers.values()),
    connectors: first(connectors.values()),
    sessions: first(active),
    commands: first(commands),
    truncated:
      tables.truncated ||
      [chargers.size, connectors.size, active.length, commands.length].some((count) => count > newer.limit),
  };
}

const keyOf = (one: { chargePointId: string; evseId: number; connectorId: number }): string =>
  `${one.chargePointId}/${one.evseId}/${one.connectorId}`;

function sessionOf(row: Record<string, unknown>): SessionIn {
  const {
    socEnd,
    protocol: _,
    remoteStartId,
    ...rest
  } = camelCased<
    Omit<SessionView, 'powerW' | 'socPercent' | 'remoteStartId'> & {
      socEnd: number | null;
      protocol: string;
      remoteStartId: number | string | null;
      version: number;
    }
  >(row);
  return {
    ...rest,
    remoteStartId: remoteStartId === null ? null : Number(remoteStartId),
    socPercent: socEnd,
    powerW: null,
    cost: null,
  };
}
