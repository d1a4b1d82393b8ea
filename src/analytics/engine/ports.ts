/** The engine as the front sees it. One implementation: `chdb/`. */

export interface Answer {
  readonly bytes: Uint8Array;
  readonly elapsedSeconds: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
}

/** A connection holds settings, parameters, the current database and temporary tables. One query at a time. */
export interface Connection {
  /** Runs statements (several may be joined by `;`), answers the last one's result in `format`. */
  query(sql: string, format: string): Promise<Answer>;
  /** Lets go of it. Must not be called while a query runs. */
  close(): void;
}

export interface Engine {
  readonly version: string;
  readonly timezone: string;
  /** About 0.4 ms and 100 KB. */
  open(): Connection;
  close(): void;
}
