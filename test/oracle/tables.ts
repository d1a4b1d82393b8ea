/**
 * The tables as ClickHouse would show them: rows keyed by identity, the highest version wins, tombstones are
 * not shown. Written from the design ("Reading the log"), not from the code that makes the rows. Two rows of
 * one key and one version that differ would leave the choice to chance, so they are refused here.
 */
import type { Sample } from '../../src/domain/charging/events.js';
import type {
  AnomalyRow,
  ConnectionRow,
  MeterValuesRow,
  QuarterRow,
  Rows,
  SessionRow,
  StatusIntervalRow,
} from '../../src/domain/charging/rows.js';

/** A row of `meter_values`: one sample with what it shares with the others of its time and frame. */
export type MeterValueRow = Omit<MeterValuesRow, 'samples'> & Omit<Sample, 'at'>;

const perSample = (row: MeterValuesRow): MeterValueRow[] => {
  const { samples, ...shared } = row;
  return samples.map(({ at: _, ...sample }) => ({ ...shared, ...sample }));
};

interface Versioned {
  readonly offset: number;
  readonly deleted?: boolean;
}

/** One ReplacingMergeTree(version, is_deleted), read with FINAL. */
class Table<Row extends Versioned> {
  private readonly newest = new Map<string, Row>();
  constructor(private readonly keyOf: (row: Row) => unknown[]) {}

  insert(rows: readonly Row[]): void {
    for (const row of rows) {
      const key = JSON.stringify(this.keyOf(row));
      const known = this.newest.get(key);
      if (known?.offset === row.offset && JSON.stringify(known) !== JSON.stringify(row)) {
        throw new Error(`two rows of version ${row.offset}: ${JSON.stringify(known)} ${JSON.stringify(row)}`);
      }
      if (known === undefined || row.offset > known.offset) this.newest.set(key, { ...row });
    }
  }

  /** What is shown, in the order of the keys. */
  rows(): Row[] {
    return [...this.newest]
      .filter(([, row]) => row.deleted !== true)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => row);
  }
}

export class Tables {
  private readonly tables = {
    sessions: new Table<SessionRow>((row) => [row.chargePointId, row.sessionId]),
    quarters: new Table<QuarterRow>((row) => [row.chargePointId, row.bucket, row.sessionId]),
    meterValues: new Table<MeterValueRow>((row) => [
      row.chargePointId,
      row.at,
      row.origin,
      row.measurand,
      row.phase,
      row.location,
      row.context,
      row.raw,
      row.unit,
    ]),
    statusIntervals: new Table<StatusIntervalRow>((row) => [
      row.chargePointId,
      row.evseId,
      row.connectorId,
      row.from,
    ]),
    connections: new Table<ConnectionRow>((row) => [row.chargePointId, row.connection]),
    anomalies: new Table<AnomalyRow>((row) => [row.chargePointId, row.offset, row.number]),
  };

  /** Rows and tombstones written for quarter hours, the superseded ones included. */
  quartersWritten = 0;

  insert(taken: readonly Rows[]): void {
    for (const rows of taken) {
      this.quartersWritten += rows.quarters.length;
      this.tables.sessions.insert(rows.sessions);
      this.tables.quarters.insert(rows.quarters);
      this.tables.meterValues.insert(rows.meterValues.flatMap(perSample));
      this.tables.statusIntervals.insert(rows.statusIntervals);
      this.tables.connections.insert(rows.connections);
      this.tables.anomalies.insert(rows.anomalies);
    }
  }

  /** By start, then id. */
  get sessions(): SessionRow[] {
    return this.tables.sessions.rows().sort((a, b) => a.startedAt - b.startedAt);
  }
  /** By session and bucket. */
  get quarters(): QuarterRow[] {
    const rows = this.tables.quarters.rows();
    return rows.sort((a, b) =>
      a.sessionId < b.sessionId ? -1 : a.sessionId > b.sessionId ? 1 : a.bucket - b.bucket,
    );
  }
  get meterValues(): MeterValueRow[] {
    return this.tables.meterValues.rows();
  }
  /** By outlet and beginning. */
  get statusIntervals(): StatusIntervalRow[] {
    const rows = this.tables.statusIntervals.rows();
    return rows.sort((a, b) => a.evseId - b.evseId || a.connectorId - b.connectorId || a.from - b.from);
  }
  get connections(): ConnectionRow[] {
    return this.tables.connections.rows().sort((a, b) => a.from - b.from);
  }
  get anomalies(): AnomalyRow[] {
    return this.tables.anomalies.rows().sort((a, b) => a.offset - b.offset || a.number - b.number);
  }

  /** Everything that is shown, for comparing value by value. */
  all(): Record<string, unknown[]> {
    const { sessions, quarters, meterValues, connections, anomalies } = this;
    // Versions are not shown of statuses: a stretch is written again by whoever changes one near it.
    const statusIntervals = this.statusIntervals.map((row) => ({ ...row, offset: 0 }));
    return { sessions, quarters, meterValues, statusIntervals, connections, anomalies };
  }
}
