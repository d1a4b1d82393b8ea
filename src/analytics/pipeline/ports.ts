import type { StateText } from '../../domain/charging/partition.js';
import type { Table } from './tables.js';

/** Takes TabSeparated lines; resolves when the table has them. Rejections may be tried again. */
export interface RowWriter {
  insert(table: Table, lines: readonly string[]): Promise<void>;
}

/** How far a partition has been processed. */
export interface Marker {
  readonly partition: number;
  /** Offset and hash of the last record that the states and rows take into account. */
  readonly lastOffset: number;
  readonly lastHash: string;
}

export interface Checkpoints {
  /** Writes changed states and their marker in one insert. Call only after the rows they cover are stored. */
  save(marker: Marker, states: readonly StateText[]): Promise<void>;
  /**
   * The newest checkpoint whose states are whole; undefined before the first. Rejects with CHECKPOINTS_TORN when
   * there are some and none is whole; other rejections may be tried again.
   */
  load(partition: number): Promise<{ marker: Marker; states: AsyncIterable<StateText> } | undefined>;
}
