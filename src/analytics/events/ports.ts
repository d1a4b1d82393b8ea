import type { EventRecord } from '../../streams/ports.js';
import type { Table } from '../pipeline/tables.js';
import type { EventPosition, EventRefusal } from './start.js';

/** A stream of events and the table it is kept in. */
export interface EventTable {
  /** Without the prefix of this installation. */
  readonly stream: string;
  readonly table: Table;
  /** What a record means depends on those before it: reading begins with the first, whatever is stored. */
  readonly fromFirst?: boolean;
  /**
   * Begins to read: gives what makes a line (TabSeparated) of each record, of any whatever, and never throws. With
   * `fromFirst` it is called for stored records too; `complete` says that the stream still has its beginning.
   */
  open(epoch: number, complete: boolean): (record: EventRecord) => string;
}

/** How far streams are stored, and why one is not read on. Rejections may be tried again. */
export interface EventPositions {
  /** Call only after the rows through here are stored. */
  save(stream: string, position: EventPosition): Promise<void>;
  /** undefined as well when the table is empty: whoever empties it has the whole stream read into it again. */
  load(table: EventTable): Promise<EventPosition | undefined>;
  refuse(refusal: EventRefusal): Promise<void>;
}
