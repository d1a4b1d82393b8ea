/**
 * Rows as ClickHouse takes them: one TabSeparated line per row, columns in a fixed order. Whatever a charger
 * may have sent is brought into the column's range here: a value that ClickHouse refused would stop the whole
 * insert, and with it the partition.
 */
import type {
  AnomalyRow,
  ConnectionRow,
  MeterValuesRow,
  QuarterRow,
  SessionRow,
  StatusIntervalRow,
} from '../../domain/charging/rows.js';
import type { StoredRecord } from '../../domain/ocpp/record.js';
import type { Refusal } from '../../streams/ports.js';
import {
  array,
  bool,
  dateTime,
  dateTimeOrNull,
  decimal,
  decimalOrNull,
  map,
  NULL,
  text,
  uint,
} from './tsv.js';

/** Where a row belongs and which columns its lines hold. */
export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** What every row of a processing run has in common. */
export interface RunContext {
  readonly generation: number;
  readonly epoch: number;
}

/** epoch * 2^48 + offset; exact in a double up to epoch 31, which the settings hold to. */
export const versionOf = (epoch: number, offset: number): number => epoch * 2 ** 48 + offset;

const SOC_LARGEST = 999_999_000;

export const FRAMES: Table = {
  name: 'frames_rows',
  columns: [
    'epoch',
    'partition',
    'offset',
    'charge_point_id',
    'received_at',
    'direction',
    'protocol',
    'action',
    'message_id',
    'frame',
    'answer',
    'properties',
  ],
};

export function frameLine(record: StoredRecord, { epoch }: RunContext): string {
  const properties: Record<string, string> = { gateway: record.gateway };
  if (record.connection !== undefined) properties.connection = record.connection;
  if (record.seq !== undefined) properties.seq = String(record.seq);
  if (record.station !== undefined) properties.station = record.station;
  if (record.account !== undefined) properties.account = record.account;
  if (record.tariff !== undefined) properties.tariff = record.tariff;
  if (record.meterKeys !== undefined) properties.meterKeys = record.meterKeys;
  return [
    epoch,
    record.partition,
    record.offset,
    text(record.chargePointId),
    dateTime(record.receivedAt),
    record.direction,
    record.protocol ?? '',
    text(record.subject),
    text(record.messageId ?? ''),
    text(record.body),
    text(record.answer ?? ''),
    map(properties),
  ].join('\t');
}

export const SESSIONS: Table = {
  name: 'sessions_rows',
  columns: [
    'generation',
    'charge_point_id',
    'session_id',
    'connector_id',
    'evse_id',
    'transaction_id',
    'id_token',
    'auth_status',
    'station_id',
    'account_id',
    'tariff',
    'status',
    'held',
    'started_at',
    'stopped_at',
    'unplugged_at',
    'last_seen_at',
    'clock_suspect',
    'meter_start_wh',
    'meter_stop_wh',
    'energy_wh',
    'energy_source',
    'energy_export_wh',
    'max_power_w',
    'soc_start',
    'soc_end',
    'stop_reason',
    'charging_s',
    'idle_s',
    'estimated',
    'anomalies',
    'anomaly_details',
    'remote_start_id',
    'protocol',
    'partition',
    'offset',
    'version',
    'is_deleted',
  ],
};

export const sessionLine = (row: SessionRow, run: RunContext, partition: number): string =>
  [
    run.generation,
    text(row.chargePointId),
    row.sessionId,
    uint(row.connectorId),
    uint(row.evseId),
    text(row.transactionId),
    text(row.idToken),
    text(row.authStatus),
    text(row.stationId),
    text(row.accountId),
    text(row.tariff),
    row.status,
    bool(row.held),
    dateTime(row.startedAt),
    dateTimeOrNull(row.stoppedAt),
    dateTimeOrNull(row.unpluggedAt),
    dateTime(row.lastSeenAt),
    bool(row.clockSuspect),
    decimalOrNull(row.meterStartMilli),
    decimalOrNull(row.meterStopMilli),
    decimalOrNull(row.energyMilli),
    row.energySource,
    decimalOrNull(row.exportMilli),
    decimalOrNull(row.maxPowerMilli),
    decimalOrNull(row.socStartMilli, SOC_LARGEST),
    decimalOrNull(row.socEndMilli, SOC_LARGEST),
    text(row.stopReason),
    seconds(row.chargingMs),
    seconds(row.idleMs),
    bool(row.estimated),
    array(row.anomalies.map((anomaly) => anomaly.kind)),
    array(row.anomalies.map((anomaly) => anomaly.detail)),
    Number.isSafeInteger(row.remoteStartId) ? String(row.remoteStartId) : NULL,
    row.protocol,
    partition,
    row.offset,
    versionOf(run.epoch, row.offset),
    row.deleted ? 1 : 0,
  ].join('\t');

const seconds = (ms: number): number => Math.min(0xffff_ffff, Math.max(0, Math.round(ms / 1_000)));

export const METER_VALUES: Table = {
  name: 'meter_values_rows',
  columns: [
    'generation',
    'charge_point_id',
    'ts',
    'origin',
    'measurand',
    'phase',
    'location',
    'context',
    'raw',
    'unit',
    'connector_id',
    'evse_id',
    'session_id',
    'sent_at',
    'value',
    'signed',
    'partition',
    'offset',
    'version',
    'is_deleted',
  ],
};

/**
 * One line per sample; what they share is written once. Of the samples of one record that have one key (the same
 * reading twice, or times beyond what ClickHouse holds) the last is kept: two rows of one key and version would
 * leave the choice to chance.
 */
export function meterValueLines(
  rows: readonly MeterValuesRow[],
  run: RunContext,
  partition: number,
): string[] {
  const lines = new Map<string, string>();
  for (const row of rows) {
    const start = `${run.generation}\t${text(row.chargePointId)}\t${dateTime(row.at)}\t${text(row.origin)}\t`;
    const place = `${uint(row.connectorId)}\t${uint(row.evseId)}\t${row.sessionId ?? NULL}\t${dateTimeOrNull(row.sentAt)}\t`;
    const position = `${partition}\t${row.offset}\t${versionOf(run.epoch, row.offset)}\t0`;
    for (const sample of row.samples) {
      const key = `${start}${text(sample.measurand)}\t${text(sample.phase)}\t${text(sample.location)}\t${text(sample.context)}\t${text(sample.raw)}\t${text(sample.unit)}\t`;
      lines.set(
        `${key}${row.offset}`,
        `${key}${place}${decimalOrNull(sample.milli)}\t${text(sample.signed ?? '')}\t${position}`,
      );
    }
  }
  return [...lines.values()];
}

export const ENERGY_15M: Table = {
  name: 'energy_15m_rows',
  columns: [
    'generation',
    'charge_point_id',
    'bucket',
    'session_id',
    'connector_id',
    'evse_id',
    'energy_wh',
    'peak_power_w',
    'connected_s',
    'charging_s',
    'version',
    'is_deleted',
  ],
};

export const quarterLine = (row: QuarterRow, run: RunContext): string =>
  [
    run.generation,
    text(row.chargePointId),
    dateTime(row.bucket),
    row.sessionId,
    uint(row.connectorId),
    uint(row.evseId),
    Number.isSafeInteger(row.energyMilli) ? decimal(row.energyMilli) : '0',
    decimalOrNull(row.peakPowerMilli),
    decimal(secondsMilli(row.connectedMs)),
    decimal(secondsMilli(row.chargingMs)),
    versionOf(run.epoch, row.offset),
    row.deleted ? 1 : 0,
  ].join('\t');

/** Milliseconds are thousandths of a second; Decimal(9, 3) ends at a million seconds. */
const secondsMilli = (ms: number): number => Math.min(999_999_999, Math.max(0, Math.round(ms)));

export const STATUS_INTERVALS: Table = {
  name: 'status_intervals_rows',
  columns: [
    'generation',
    'charge_point_id',
    'evse_id',
    'connector_id',
    'from',
    'to',
    'status',
    'error_code',
    'vendor_code',
    'version',
    'is_deleted',
  ],
};

/** In a key null is not allowed; ids beyond the column's range are no real connectors. */
const keyId = (id: number): string => {
  const value = uint(id);
  return value === NULL ? '0' : value;
};

export const statusIntervalLine = (row: StatusIntervalRow, run: RunContext): string =>
  [
    run.generation,
    text(row.chargePointId),
    keyId(row.evseId),
    keyId(row.connectorId),
    dateTime(row.from),
    dateTimeOrNull(row.to),
    text(row.status),
    text(row.errorCode),
    text(row.vendorCode),
    versionOf(run.epoch, row.offset),
    row.deleted ? 1 : 0,
  ].join('\t');

export const CONNECTIONS: Table = {
  name: 'connections_rows',
  columns: [
    'generation',
    'charge_point_id',
    'connection',
    'gateway',
    'protocol',
    'address',
    'from',
    'to',
    'close_code',
    'version',
    'is_deleted',
  ],
};

export const connectionLine = (row: ConnectionRow, run: RunContext): string =>
  [
    run.generation,
    text(row.chargePointId),
    text(row.connection),
    text(row.gateway),
    text(row.protocol),
    text(row.address),
    dateTime(row.from),
    dateTimeOrNull(row.to),
    uint(row.closeCode, 0xffff),
    versionOf(run.epoch, row.offset),
    0,
  ].join('\t');

export const ANOMALIES: Table = {
  name: 'anomalies_rows',
  columns: [
    'generation',
    'charge_point_id',
    'epoch',
    'partition',
    'offset',
    'number',
    'session_id',
    'at',
    'kind',
    'detail',
    'version',
    'is_deleted',
  ],
};

export const anomalyLine = (row: AnomalyRow, run: RunContext, partition: number): string =>
  [
    run.generation,
    text(row.chargePointId),
    run.epoch,
    partition,
    row.offset,
    row.number,
    row.sessionId ?? NULL,
    dateTime(row.at),
    row.kind,
    text(row.detail),
    versionOf(run.epoch, row.offset),
    0,
  ].join('\t');

export const REFUSALS: Table = {
  name: 'refusals_rows',
  columns: ['generation', 'epoch', 'partition', 'code', 'offset', 'message', 'remedy', 'refused_at'],
};

export const refusalLine = (why: Refusal, run: RunContext, refusedAt: number): string =>
  [
    run.generation,
    run.epoch,
    why.partition,
    why.code,
    why.offset ?? NULL,
    text(why.message),
    text(why.remedy),
    dateTime(refusedAt),
  ].join('\t');
