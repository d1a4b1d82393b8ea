/**
 * One record more: `evolve` folds it into a charge point, `takeRows` says what the tables should now hold.
 *
 * Both depend on the log alone. `evolve` marks, record by record, which facts a record touches; `takeRows`
 * computes those facts from the evidence as it then stands. So it does not matter how many records lie
 * between two calls of `takeRows`, nor where a crash cuts: whoever has folded the same records says the
 * same, and a fact that one reader wrote at some record is written again by every reader that passes it.
 * What a record announces (`announce.ts`) is computed at once, as the evidence stands after that record.
 */
import type { StoredRecord } from '../ocpp/record.js';
import type { RecordAnnouncer } from './announce.js';
import { type ChargePoint, touchConnections } from './charge-point.js';
import type { ChargingEvent, Decoded } from './events.js';
import { expire, expiryDue } from './expiry.js';
import { closeConnection, closeGateway, openConnection, seenConnection } from './presence.js';
import { RecordFold } from './record-fold.js';
import { foldStatus, historyIsFull } from './status.js';
import { takeOutlet } from './take-rows.js';

export interface EvolveSettings {
  /** Days of log time for which ended sessions can still be amended. */
  readonly sessionDays: number;
}

/** Folds one record of this charge point. Records at or below `appliedThrough` are ignored. */
export function evolve(
  point: ChargePoint,
  record: StoredRecord,
  decoded: Decoded,
  settings: EvolveSettings,
  announcer?: RecordAnnouncer,
): void {
  const { core } = point.state;
  if (record.offset <= core.appliedThrough) return;
  core.appliedThrough = record.offset;
  announcer?.watch(point);
  point.changedCore = true;
  if (record.station !== undefined) core.station = record.station;
  if (record.protocol !== undefined) core.protocol = record.protocol;
  noteConnection(point, record, decoded.event);
  const fold = new RecordFold(point, record);
  for (const oddity of decoded.oddities) fold.anomaly(oddity.kind, oddity.detail);
  if (decoded.event !== undefined) fold.apply(decoded.event);
  // As the evidence stands now; what is let go of next was touched for the last time.
  announcer?.sessionsOf(point);
  if (historyIsFull(core)) foldHistory(point);
  if (expiryDue(point, record.receivedAt)) expire(point, record.receivedAt, settings.sessionDays);
}

/** The gateway has gone or begun anew: its connections ended with their last frame. */
export function gatewayGone(
  point: ChargePoint,
  gateway: string,
  offset: number,
  announcer?: RecordAnnouncer,
): void {
  if (offset < point.state.core.appliedThrough) return;
  const closed = closeGateway(point.state.core, gateway);
  if (closed.length === 0) return;
  announcer?.watch(point);
  point.state.core.appliedThrough = offset;
  point.changedCore = true;
  touchConnections(point, closed);
}

function noteConnection(point: ChargePoint, record: StoredRecord, event: ChargingEvent | undefined): void {
  const { core } = point.state;
  if (record.connection === undefined) return;
  if (event?.kind === 'disconnected') {
    const closed = closeConnection(core, record.connection, record.receivedAt, event.code);
    if (closed !== undefined) touchConnections(point, [closed]);
    return;
  }
  const known = core.connections.some((connection) => connection.connection === record.connection);
  if (known) {
    const reopened = seenConnection(core, record.connection, record.receivedAt);
    if (reopened !== undefined) touchConnections(point, [reopened]);
    return;
  }
  // Usually its Connected record; any other when the log begins in the middle of a connection.
  const opened = openConnection(
    core,
    {
      connection: record.connection,
      gateway: record.gateway,
      protocol: record.protocol ?? '',
      address: event?.kind === 'connected' ? event.address : '',
    },
    record.receivedAt,
  );
  touchConnections(point, opened);
}

/** What becomes final is written first, as it stands. */
function foldHistory(point: ChargePoint): void {
  for (const key of point.touched.outlets.keys()) takeOutlet(point, key);
  foldStatus(point.state.core);
}
