/** How far streams of events are stored, in ClickHouse. */
import type { ClickHouseClient } from '../clickhouse.js';
import { createRowWriter } from '../pipeline/row-writer.js';
import type { RunContext, Table } from '../pipeline/tables.js';
import { dateTime, text } from '../pipeline/tsv.js';
import type { EventPositions } from './ports.js';
import type { EventPosition } from './start.js';

const POSITIONS: Table = {
  name: 'event_positions_rows',
  columns: ['stream', 'epoch', 'offset', 'hash', 'stored_at'],
};

const REFUSALS: Table = {
  name: 'refusals_rows',
  columns: [
    'generation',
    'epoch',
    'partition',
    'code',
    'offset',
    'message',
    'remedy',
    'refused_at',
    'stream',
  ],
};

/**
 * `run.epoch` is that of the events (WATTSTREAM_EVENTS_EPOCH). `now`: epoch milliseconds, told to people, never read back.
 */
export function createEventPositions(
  client: ClickHouseClient,
  run: RunContext,
  now: () => number = Date.now,
): EventPositions {
  const rows = createRowWriter(client);
  return {
    async save(stream, { offset, hash }) {
      const row = [text(stream), run.epoch, offset, text(hash), dateTime(now())];
      await rows.insert(POSITIONS, [row.join('\t')]);
    },
    async load({ stream, table }) {
      const result = await client.query({
        query: `SELECT offset, hash FROM event_positions
          WHERE stream = {stream:String} AND epoch = {epoch:UInt16}
            AND EXISTS (SELECT 1 FROM ${table.name} WHERE epoch = {epoch:UInt16})`,
        query_params: { stream, epoch: run.epoch },
        format: 'JSONEachRow',
      });
      const [found] = await result.json<EventPosition>();
      return found;
    },
    async refuse({ stream, code, offset, message, remedy }) {
      const row = [
        run.generation,
        run.epoch,
        0,
        code,
        offset,
        text(message),
        text(remedy),
        dateTime(now()),
        text(stream),
      ];
      await rows.insert(REFUSALS, [row.join('\t')]);
    },
  };
}
