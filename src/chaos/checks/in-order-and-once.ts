/**
 * What a gateway handed over is stored once and in its order: the frames of one connection lie in the log with
 * rising numbers from 1 and without a gap, however often batches were sent again after a lost confirm.
 */
import { type Check, Differences } from './check.js';

export const inOrderAndOnce: Check = {
  name: 'in order and once',
  about:
    'the frames of each connection lie in the log in the order of the socket, without a gap, each confirmed record once',
  async run({ log }) {
    const differences = new Differences();
    const last = new Map<string, number>();
    let numbered = 0;
    for (const { connection, seq, chargePointId, partition, offset } of log) {
      if (connection === undefined || seq === undefined) continue;
      numbered++;
      const before = last.get(connection) ?? 0;
      if (seq !== before + 1)
        differences.add(
          `${chargePointId}, connection ${connection}: ${seq} follows ${before} (partition ${partition}, offset ${offset})`,
        );
      last.set(connection, seq);
    }
    return { compared: { connections: last.size, 'numbered records': numbered }, differences };
  },
};
