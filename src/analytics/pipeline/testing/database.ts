/**
 * A database in memory for tests of the processor, as unpleasant as a real one: it can be away, die between
 * any two writes, or take a write without saying so. Rows are parsed back from their lines and kept as
 * ReplacingMergeTree(version, is_deleted) would show them: by key, the highest version, no tombstones. Two
 * different rows of one key and version would leave the choice to chance, so they are refused.
 */
import type { StateText } from '../../../domain/charging/partition.js';
import type { Checkpoints, Marker, RowWriter } from '../ports.js';
import type { Table } from '../tables.js';

const KEYS: Readonly<Record<string, readonly string[]>> = {
  frames_rows: ['epoch', 'partition', 'offset'],
  sessions_rows: ['charge_point_id', 'session_id'],
  energy_15m_rows: ['charge_point_id', 'bucket', 'session_id'],
  meter_values_rows: [
    'charge_point_id',
    'ts',
    'origin',
    'measurand',
    'phase',
    'location',
    'context',
    'raw',
    'unit',
  ],
  status_intervals_rows: ['charge_point_id', 'evse_id', 'connector_id', 'from'],
  connections_rows: ['charge_point_id', 'connection'],
  anomalies_rows: ['charge_point_id', 'epoch', 'partition', 'offset', 'number'],
};

type Row = Record<string, string>;

/** One write that a process did: what it was, and whether the database has it. */
export interface Write {
  readonly what: string;
  readonly stored: boolean;
}

/** A process's way to the database. */
export interface Connection extends RowWriter, Checkpoints {
  /** From now on nothing arrives; what is under way is lost. */
  cut(): void;
  readonly writes: readonly Write[];
}

export interface ConnectionOptions {
  /**
   * Called before each write, with its number from 0. `store`: as it should be. `die`: not stored, and nothing
   * after it. `store-and-die`: stored, but the process never hears of it. `lie`: acknowledged, stored only
   * with the next write of the same table: what a database must not do.
   */
  readonly fate?: (number: number, what: string) => 'store' | 'die' | 'store-and-die' | 'lie';
  /** Awaited before each write. */
  readonly delay?: () => Promise<void>;
}

/** Says how a process fared, not what is in the log. */
const REFUSALS = 'refusals_rows';

export class Database {
  private readonly tables = new Map<string, Map<string, Row>>();
  private readonly saved: { marker: Marker; states: readonly StateText[] }[] = [];
  /** Lines of `refusals_rows`. */
  readonly refusals: string[] = [];
  /** While away every request is refused. */
  away = false;
  refused = 0;

  connect({ fate = () => 'store', delay }: ConnectionOptions = {}): Connection {
    const writes: Write[] = [];
    let dead = false;
    const owed = new Map<string, () => void>();
    const write = async (what: string, store: () => void) => {
      await delay?.();
      this.refuseWhenAway();
      if (dead) throw new Error('the process is dead');
      const now = fate(writes.length, what);
      writes.push({ what, stored: now === 'store' || now === 'store-and-die' });
      if (now === 'die' || now === 'store-and-die') dead = true;
      if (now === 'die') throw new Error('killed before it was stored');
      owed.get(what)?.();
      owed.delete(what);
      if (now === 'lie') owed.set(what, store);
      else store();
      if (dead) throw new Error('killed after it was stored');
    };
    return {
      writes,
      cut: () => {
        dead = true;
      },
      insert: (table, lines) => write(table.name, () => this.insert(table, lines)),
      save: (marker, states) => write('checkpoint', () => this.saved.push({ marker, states })),
      load: async (partition) => {
        this.refuseWhenAway();
        return this.load(partition);
      },
    };
  }

  get frames(): number {
    return this.tables.get('frames_rows')?.size ?? 0;
  }

  get markers(): readonly Marker[] {
    return this.saved.map(({ marker }) => marker);
  }

  /** Everything that people are shown, in the order of the keys. */
  shown(): Record<string, Row[]> {
    return Object.fromEntries(
      Object.keys(KEYS).map((name) => [
        name,
        [...(this.tables.get(name) ?? [])]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .filter(([, row]) => row.is_deleted !== '1')
          .map(([, row]) => shownOf(name, row)),
      ]),
    );
  }

  private refuseWhenAway(): void {
    if (!this.away) return;
    this.refused++;
    throw new Error('connect ECONNREFUSED');
  }

  private load(partition: number): Awaited<ReturnType<Checkpoints['load']>> {
    const known = this.saved.filter(({ marker }) => marker.partition === partition);
    const newest = known.reduce<Marker | undefined>(
      (best, { marker }) => (best === undefined || marker.lastOffset > best.lastOffset ? marker : best),
      undefined,
    );
    if (newest === undefined) return undefined;
    const states = new Map<string, StateText>();
    for (const one of known.sort((a, b) => a.marker.lastOffset - b.marker.lastOffset))
      for (const state of one.states) states.set(`${state.chargePointId}\t${state.part}`, state);
    return { marker: newest, states: stream([...states.values()].filter(({ text }) => text !== '')) };
  }

  private insert(table: Table, lines: readonly string[]): void {
    if (table.name === REFUSALS) {
      this.refusals.push(...lines);
      return;
    }
    const rows = this.tables.get(table.name) ?? new Map<string, Row>();
    this.tables.set(table.name, rows);
    for (const line of lines) {
      const fields = line.split('\t');
      if (fields.length !== table.columns.length) throw new Error(`${table.name}: not its columns: ${line}`);
      const row = Object.fromEntries(table.columns.map((column, index) => [column, fields[index] as string]));
      const key = JSON.stringify(KEYS[table.name]?.map((column) => row[column]));
      const known = rows.get(key);
      const [is, was] = [Number(row.version ?? 0), Number(known?.version ?? -1)];
      if (
        is === was &&
        JSON.stringify(shownOf(table.name, row)) !== JSON.stringify(shownOf(table.name, known!))
      )
        throw new Error(`${table.name}: two rows of one version: ${JSON.stringify([known, row])}`);
      if (is > was) rows.set(key, row);
    }
  }
}

/** The version of a status is not shown: a stretch is written again by whoever changes one near it. */
function shownOf(table: string, row: Row): Row {
  if (table !== 'status_intervals_rows') return row;
  const { version: _, ...shown } = row;
  return shown;
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
