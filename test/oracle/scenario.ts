/**
 * Given these entries of a log, when they are read, then the tables show this. The log puts a gap between
 * offsets, as RabbitMQ does.
 */
import { PartitionFold, type StateText } from '../../src/domain/charging/partition.js';
import type { Announcement } from '../../src/domain/messages/charging-events.js';
import type { StoredRecord } from '../../src/domain/ocpp/record.js';
import type { Entry } from './frames.js';
import { Tables } from './tables.js';

export const SETTINGS = { sessionDays: 3 };

export interface Positioned extends Entry {
  readonly record: StoredRecord;
}

/** The entries at rising offsets of partition 0, in their order. */
export const positioned = (entries: readonly Entry[]): Positioned[] =>
  entries.map((entry, index) => ({
    ...entry,
    record: { ...entry.record, partition: 0, offset: 10 + 2 * index },
  }));

/** Somebody who hears announcements: each once, however often it is made; none may come with another content. */
export class Told {
  private readonly known = new Map<string, Announcement>();

  hear(announced: readonly Announcement[]): void {
    for (const one of announced) {
      const known = this.known.get(one.id);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(one))
        throw new Error(`two contents of one id: ${JSON.stringify(known)} ${JSON.stringify(one)}`);
      this.known.set(one.id, one);
    }
  }

  /** In the order of ids, for comparing. */
  all(): Announcement[] {
    return [...this.known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  }
  /** In the order in which they were made. */
  heard(): Announcement[] {
    return [...this.known.values()];
  }
}

/** A reader of the log: what `analytics` does around the fold, without broker and database. */
export class Reader {
  private fold: PartitionFold;
  constructor(
    private readonly tables: Tables,
    states: Iterable<StateText> = [],
    /** Who is told of announcements, if anybody is. */
    private readonly told?: Told,
  ) {
    this.fold = new PartitionFold(SETTINGS, states);
    if (told !== undefined && [...states].length === 0) this.fold.announce(true);
  }

  read(entries: readonly Positioned[]): void {
    for (const { record, event, oddities } of entries) {
      const announced = this.fold.apply(record, { event, oddities });
      this.told?.hear(announced);
    }
  }

  flush(): void {
    this.tables.insert(this.fold.takeRows());
  }

  /** What changed since the last checkpoint; writes the rows first, as the pipeline does. */
  checkpoint(): StateText[] {
    this.flush();
    return this.fold.takeStates();
  }
}

/** The tables after an undisturbed reading of these entries. */
export function tablesOf(...entries: Entry[]): Tables {
  return readAtOnce(positioned(entries));
}

export function readAtOnce(log: readonly Positioned[], told?: Told): Tables {
  const tables = new Tables();
  const reader = new Reader(tables, [], told);
  reader.read(log);
  reader.flush();
  return tables;
}

/** What an undisturbed reading announces. */
export function announcedOf(...entries: Entry[]): Announcement[] {
  const told = new Told();
  readAtOnce(positioned(entries), told);
  return told.heard();
}

/** Rows written after every record: whatever was shown in between and holds no longer must be taken back. */
export function readOneByOne(...entries: Entry[]): Tables {
  const tables = new Tables();
  const reader = new Reader(tables);
  for (const one of positioned(entries)) {
    reader.read([one]);
    reader.flush();
  }
  return tables;
}

/** The only session, for tests that are about one. */
export function sessionOf(...entries: Entry[]) {
  const { sessions } = tablesOf(...entries);
  if (sessions.length !== 1) throw new Error(`expected one session, found ${JSON.stringify(sessions)}`);
  const session = sessions[0] as (typeof sessions)[number];
  return {
    ...session,
    /** Wh; null when unknown. */
    wh: session.energyMilli === null ? null : session.energyMilli / 1_000,
    findings: session.anomalies.map((anomaly) => anomaly.kind),
  };
}
