/** Promise 2, first half: the tables say what the chargers delivered, value for value. */

import type { LedgerSession } from '../../simulator/ledger.js';
import { time } from '../oracle/delivered.js';
import { type ExpectedSession, sessionsOf } from '../oracle/sessions.js';
import { type ExpectedStatus, statusesOf } from '../oracle/statuses.js';
import type { System } from '../system/system.js';
import { type Check, Differences, type Evidence } from './check.js';

type Values = Record<string, unknown>;

/** A row of `sessions` with the columns that the charger alone decides. Times in epoch ms, amounts in thousandths. */
const SESSIONS = `
  SELECT charge_point_id AS chargePointId, transaction_id AS transactionId, toString(session_id) AS sessionId, protocol,
    connector_id AS connectorId, evse_id AS evseId, id_token AS idToken, auth_status AS authStatus,
    toString(status) AS status, held, anomalies,
    toUnixTimestamp64Milli(started_at) AS startedAt, toUnixTimestamp64Milli(stopped_at) AS stoppedAt,
    toUnixTimestamp64Milli(unplugged_at) AS unpluggedAt, toUnixTimestamp64Milli(last_seen_at) AS lastSeenAt,
    toInt64(meter_start_wh * 1000) AS meterStartMilli, toInt64(meter_stop_wh * 1000) AS meterStopMilli,
    toInt64(energy_wh * 1000) AS energyMilli, energy_source AS energySource,
    toInt64(max_power_w * 1000) AS maxPowerMilli, toInt64(soc_start * 1000) AS socStartMilli,
    toInt64(soc_end * 1000) AS socEndMilli, stop_reason AS stopReason,
    charging_s AS chargingS, idle_s AS idleS, estimated, energy_export_wh AS exported, remote_start_id AS remoteStartId
  FROM sessions`;

const QUARTERS = `
  SELECT charge_point_id AS chargePointId, toString(session_id) AS sessionId,
    toUnixTimestamp64Milli(bucket) AS bucket, toInt64(energy_wh * 1000) AS milli,
    toInt64(peak_power_w * 1000) AS peakMilli, toInt64(connected_s * 1000) AS connectedMs,
    toInt64(charging_s * 1000) AS chargingMs, connector_id AS connectorId, evse_id AS evseId
  FROM energy_15m ORDER BY bucket`;

const STATUSES = `
  SELECT charge_point_id AS chargePointId, evse_id AS evseId, connector_id AS connectorId,
    toUnixTimestamp64Milli(from) AS from, toUnixTimestamp64Milli(to) AS to, toString(status) AS status,
    error_code AS errorCode, vendor_code AS vendorCode
  FROM status_intervals ORDER BY chargePointId, evseId, connectorId, from`;

const CONNECTIONS = `
  SELECT charge_point_id AS chargePointId, toUnixTimestamp64Milli(from) AS from, toUnixTimestamp64Milli(to) AS to
  FROM connections`;

/** Columns made of times that the charger's clock never said: it was not set. */
const OF_TIME: readonly string[] = ['startedAt', 'stoppedAt', 'unpluggedAt', 'lastSeenAt'];

export const oracle: Check = {
  name: 'oracle',
  about:
    '`sessions`, `energy_15m` and `status_intervals` are, value for value, what the chargers delivered; and nobody has a session that no charger had',
  async run(evidence) {
    const differences = new Differences();
    const sessions = await compareSessions(evidence, differences);
    const statuses = await compareStatuses(evidence, differences);
    return { compared: { ...sessions, ...statuses }, differences };
  },
};

async function rowsOf<Row>(system: System, query: string): Promise<Row[]> {
  return (await system.database.query({ query, format: 'JSONEachRow' })).json<Row>();
}

const keyOf = (one: { chargePointId: string; transactionId?: string | undefined }): string =>
  `${one.chargePointId} ${one.transactionId}`;

/** Charge points whose clock was never set, as any of their frames shows: their times are the receiver's. */
const withoutClock = ({ calls }: Evidence): Set<string> =>
  new Set(
    [...calls].flatMap(([chargePointId, own]) =>
      own.some(({ payload }) => (time(payload.timestamp) ?? Infinity) < Date.UTC(2000, 0))
        ? [chargePointId]
        : [],
    ),
  );

async function compareSessions(
  evidence: Evidence,
  differences: Differences,
): Promise<Record<string, number>> {
  const { system, calls, delivered } = evidence;
  const clockless = withoutClock(evidence);
  const rows = await rowsOf<Values & { chargePointId: string; transactionId: string; sessionId: string }>(
    system,
    SESSIONS,
  );
  const quarterRows = await rowsOf<Values & { chargePointId: string; sessionId: string }>(system, QUARTERS);
  const quarters = new Map<string, Values[]>();
  for (const { sessionId, chargePointId, ...quarter } of quarterRows) {
    const name = `${chargePointId} ${sessionId}`;
    quarters.set(name, [...(quarters.get(name) ?? []), quarter]);
  }
  const shown = new Map<string, (typeof rows)[number]>();
  for (const row of rows) {
    if (shown.has(keyOf(row))) differences.add(`sessions: ${keyOf(row)} is there twice`);
    shown.set(keyOf(row), row);
  }

  const expected = new Map<string, ExpectedSession>();
  for (const one of calls.values())
    for (const session of sessionsOf(one)) expected.set(keyOf(session), session);
  const counts = { sessions: 0, 'columns of sessions': 0, 'quarter hours': 0 };
  for (const [name, session] of expected) {
    const row = shown.get(name);
    shown.delete(name);
    counts.sessions++;
    if (row === undefined) {
      differences.add(`sessions: ${name} is not there; delivered ${JSON.stringify(session)}`);
      continue;
    }
    const timeless = clockless.has(session.chargePointId);
    const { quarters: wanted, ...columns } = {
      ...session,
      estimated: false,
      exported: null,
      remoteStartId: null,
    };
    for (const [column, value] of Object.entries(columns)) {
      if (value === undefined || (timeless && OF_TIME.includes(column))) continue;
      counts['columns of sessions']++;
      if (JSON.stringify(value) !== JSON.stringify(row[column]))
        differences.add(
          `sessions: ${name}, ${column}: delivered ${JSON.stringify(value)}, the table has ${JSON.stringify(row[column])}`,
        );
    }
    const place = `${session.chargePointId} ${row.sessionId}`;
    const stored = quarters.get(place) ?? [];
    quarters.delete(place);
    if (timeless) {
      const sum = stored.reduce((total, { milli }) => total + Number(milli), 0);
      if (sum !== session.energyMilli)
        differences.add(`energy_15m: ${name} sums to ${sum} mWh, delivered ${session.energyMilli}`);
      continue;
    }
    const { connectorId, evseId } = session;
    compareLists(
      `energy_15m: ${name}`,
      wanted.map((quarter) => ({ ...quarter, connectorId, evseId })),
      stored,
      differences,
    );
    counts['quarter hours'] += wanted.length;
  }
  for (const [name, row] of shown)
    differences.add(`sessions: ${name} is in the table, no charger had it: ${JSON.stringify(row)}`);
  for (const name of quarters.keys()) differences.add(`energy_15m: ${name} has quarter hours and no session`);
  compareWithTruth(delivered.sessions, expected, differences);
  return counts;
}

/** The frames say what the charger really delivered: else the oracle itself would have read them wrongly. */
function compareWithTruth(
  truth: readonly LedgerSession[],
  expected: ReadonlyMap<string, ExpectedSession>,
  differences: Differences,
): void {
  for (const session of truth) {
    if (session.answeredIds.length > 1)
      differences.add(`${keyOf(session)}: one start was given the ids ${session.answeredIds}`);
    if (session.transactionId === undefined) {
      if (session.sent.length > 0)
        differences.add(
          `${session.chargePointId}: a start of ${new Date(session.startedAt).toISOString()} was never answered`,
        );
      continue;
    }
    const read = expected.get(keyOf(session));
    if (read === undefined)
      differences.add(`${keyOf(session)}: the charger had this session, and its frames are not in the log`);
    else if (
      session.closed &&
      session.meterResets === 0 &&
      read.energyMilli !== Math.round(session.energyWh * 1_000)
    )
      differences.add(
        `${keyOf(session)}: delivered ${session.energyWh} Wh, its frames say ${read.energyMilli} mWh`,
      );
  }
}

async function compareStatuses(
  evidence: Evidence,
  differences: Differences,
): Promise<Record<string, number>> {
  const { system, calls } = evidence;
  const clockless = withoutClock(evidence);
  const stored = groupedBy(await rowsOf<Values & { chargePointId: string }>(system, STATUSES));
  const connections = groupedBy(
    await rowsOf<{ chargePointId: string; from: number; to: number | null }>(system, CONNECTIONS),
  );
  let compared = 0;
  for (const [chargePointId, own] of calls) {
    const rows = stored.get(chargePointId) ?? [];
    stored.delete(chargePointId);
    if (clockless.has(chargePointId)) continue;
    const expected = statusesOf(own, connections.get(chargePointId) ?? [])
      .sort((a, b) => a.evseId - b.evseId || a.connectorId - b.connectorId || a.from - b.from)
      .map((one: ExpectedStatus) => ({ ...one, vendorCode: '' }));
    compared += expected.length;
    compareLists(`status_intervals: ${chargePointId}`, expected, rows, differences);
  }
  for (const chargePointId of stored.keys())
    differences.add(`status_intervals: ${chargePointId} never said anything`);
  return { 'status intervals': compared };
}

function groupedBy<Row extends { chargePointId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.chargePointId);
    if (group === undefined) groups.set(row.chargePointId, [row]);
    else group.push(row);
  }
  return groups;
}

/** Element by element; the order of an element's fields does not matter. */
function compareLists(
  what: string,
  expected: readonly object[],
  stored: readonly object[],
  differences: Differences,
): void {
  const canonical = (value: object | undefined): string =>
    value === undefined
      ? 'nothing'
      : JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
  for (let index = 0; index < Math.max(expected.length, stored.length); index++) {
    const [want, have] = [canonical(expected[index]), canonical(stored[index])];
    if (want === have) continue;
    differences.add(`${what}, row ${index}: delivered ${want}, the table has ${have}`);
    // The rows after it are only shifted.
    if (expected.length !== stored.length) return;
  }
}
