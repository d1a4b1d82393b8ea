/** The archive is the log: each offset once, with the same content. */
import type { StoredRecord } from '../../streams/ports.js';
import { type Check, Differences } from './check.js';

interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly at: number;
  readonly direction: string;
  readonly protocol: string;
  readonly action: string;
  readonly message_id: string;
  readonly frame: string;
  readonly answer: string;
  readonly gateway: string;
  readonly connection: string;
  readonly seq: string;
}

const expected = (record: StoredRecord): Row => ({
  partition: record.partition,
  offset: record.offset,
  id: record.chargePointId,
  at: record.receivedAt,
  direction: record.direction,
  protocol: record.protocol ?? '',
  action: record.subject,
  message_id: record.messageId ?? '',
  frame: record.body,
  answer: record.answer ?? '',
  gateway: record.gateway,
  connection: record.connection ?? '',
  seq: record.seq === undefined ? '' : String(record.seq),
});

export const archive: Check = {
  name: 'archive',
  about: '`frames` holds each offset of the log once, with the record that is there',
  async run({ system, log }) {
    const differences = new Differences();
    const wanted = new Map(log.map((record) => [`${record.partition}/${record.offset}`, record]));
    const answer = await system.database.query({
      query: `
        SELECT partition, offset, charge_point_id AS id, toUnixTimestamp64Milli(received_at) AS at, direction, protocol,
          action, message_id, frame, answer, properties['gateway'] AS gateway, properties['connection'] AS connection,
          properties['seq'] AS seq
        FROM frames`,
      format: 'JSONEachRow',
    });
    let rows = 0;
    for await (const batch of answer.stream<Row>()) {
      for (const line of batch) {
        const row = line.json();
        rows++;
        const name = `${row.partition}/${row.offset}`;
        const record = wanted.get(name);
        if (record === undefined) differences.add(`${name}: in the archive twice, or not in the log`);
        else if (JSON.stringify(expected(record)) !== JSON.stringify(row))
          differences.add(
            `${name}: the log has ${JSON.stringify(expected(record))}, the archive ${JSON.stringify(row)}`,
          );
        wanted.delete(name);
      }
    }
    for (const [name, record] of wanted)
      differences.add(`${name}: in the log (${record.chargePointId} ${record.subject}), not in the archive`);
    return { compared: { 'records of the log': log.length, 'rows of frames': rows }, differences };
  },
};
