/**
 * Frames per second of processor time that are decoded and folded, with and without announcing. No broker, no database:
 * what a record costs before it is written. Each charger reports every half minute, so every reading is announced.
 */
import { PartitionFold } from '../domain/charging/partition.js';
import { decode } from '../domain/ocpp/decode.js';
import type { FrameRecord, StoredRecord } from '../domain/ocpp/record.js';
import { type LoadAction, renderLoad } from '../simulator/load/frames.js';

export interface FoldRound {
  readonly perSecond: number;
  readonly announcements: number;
}

const BEGUN = Date.UTC(2026, 10, 25, 8);
const INTERVAL_MS = 30_000;

/** Half of the chargers speak 1.6, half 2.0.1; each of them charges all the time. */
function* frames(chargers: number, readings: number): Generator<StoredRecord> {
  let offset = 0;
  for (let reading = 0; reading <= readings; reading++) {
    for (let charger = 0; charger < chargers; charger++) {
      const is16 = charger % 2 === 0;
      const receivedAt = BEGUN + reading * INTERVAL_MS + charger;
      const action: LoadAction = !is16
        ? 'TransactionEvent'
        : reading === 0
          ? 'StartTransaction'
          : 'MeterValues';
      const messageId = `m${offset}`;
      const transactionId = is16 ? String(1_000 + charger) : `"tx-${charger}"`;
      const timestamp = new Date(receivedAt).toISOString();
      const record: FrameRecord = {
        body: renderLoad(action, { messageId, timestamp, transactionId, count: reading * 90 }),
        subject: action,
        chargePointId: `FOLD-${charger}`,
        messageId,
        receivedAt,
        protocol: is16 ? 'ocpp1.6' : 'ocpp2.0.1',
        direction: 'in',
        gateway: 'gw',
        connection: `c${charger}`,
        ...(action === 'StartTransaction'
          ? { answer: JSON.stringify({ transactionId: 1_000 + charger, idTagInfo: { status: 'Accepted' } }) }
          : {}),
      };
      yield { ...record, partition: 0, offset: offset++ };
    }
  }
}

export const FOLD_SHAPES = {
  'sessions of an hour, 500 chargers, rows every 600 frames': {
    chargers: 500,
    readings: 120,
    flushEvery: 600,
  },
  'sessions of four hours, 100 chargers, rows every 20 000 frames': {
    chargers: 100,
    readings: 480,
    flushEvery: 20_000,
  },
};

/**
 * @param chargers charging at once
 * @param readings of each, one every half minute
 * @param flushEvery records between two takings of rows
 */
export function measureFold(
  announcing: boolean,
  { chargers, readings, flushEvery }: { chargers: number; readings: number; flushEvery: number },
): FoldRound {
  const fold = new PartitionFold({ sessionDays: 3 });
  fold.announce(announcing);
  const log = [...frames(chargers, readings)];
  let announcements = 0;
  const began = process.cpuUsage();
  log.forEach((record, index) => {
    announcements += fold.apply(record, decode(record)).length;
    if (index % flushEvery === 0) fold.takeRows();
  });
  fold.takeRows();
  const { user, system } = process.cpuUsage(began);
  const seconds = (user + system) / 1e6;
  return { perSecond: log.length / seconds, announcements };
}
