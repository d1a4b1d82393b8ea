/**
 * What chargers in the field do, said over the socket by a charger that knows only OCPP, and what the tables must
 * then say. The rules themselves are tested beside their code; here, that nothing on the way bends them.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { iso, Outsider, type Protocol } from '../support/outsider.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** On a quarter hour, long enough ago that nothing lies in the future. */
const T = Math.floor((Date.now() - 20 * HOUR) / (15 * MINUTE)) * 15 * MINUTE;

/** One session as `<status> <energy Wh> [held] [anomaly ...]`, in order of their starts. */
interface Life {
  readonly says: string;
  readonly protocols?: readonly Protocol[];
  live(charger: Outsider): Promise<unknown>;
  readonly sessions: readonly string[];
  readonly quarters?: readonly number[];
}

const V2 = ['ocpp2.0.1', 'ocpp2.1'] as const;
const evse = { evse: { id: 1, connectorId: 1 } };

const LIVES: Life[] = [
  {
    says: 'Wh and kWh with float noise, in one session',
    live: async (c) => {
      const id = await c.start(T, 1_000);
      await c.meter(id, [
        [T + 15 * MINUTE, '1.50000000000000022', 'kWh'],
        [T + 30 * MINUTE, '2000'],
      ]);
      await c.stop(T + HOUR, 5_000, id);
    },
    sessions: ['completed 4000'],
    quarters: [500, 500, 1_500, 1_500],
  },
  {
    says: 'quarter hours are exact, the remainder goes to the last',
    live: async (c) => c.stop(T + 45 * MINUTE, 1_000, await c.start(T, 0)),
    sessions: ['completed 1000'],
    quarters: [333.333, 333.333, 333.334],
  },
  {
    says: 'samples after the stop never add',
    live: async (c) => {
      const id = await c.start(T, 1_000);
      await c.stop(T + 10 * MINUTE, 2_000, id);
      await c.meter(id, [[T + 11 * MINUTE, '9000']]);
      await c.meter(undefined, [[T + 12 * MINUTE, '9500']]);
    },
    sessions: ['completed 1000'],
  },
  {
    says: 'start three times, token in another case; stop twice, first without a reason',
    live: async (c) => {
      const ids = [
        await c.start(T, 500, 'abcD'),
        await c.start(T, 500, 'abcD'),
        await c.start(T, 500, 'ABCd'),
      ];
      expect(new Set(ids).size).toBe(1);
      await c.stop(T + HOUR, 1_500, ids[0] as number);
      await c.stop(T + HOUR, 1_500, ids[0] as number, { reason: 'Local' });
    },
    sessions: ['completed 1000 reason=Local'],
  },
  {
    says: 'a stop of an offline start (-1) finds its session, in whatever order they arrive',
    live: async (c) => {
      await c.meter(-1, [[T + 5 * MINUTE, '5600']]);
      await c.stop(T + 30 * MINUTE, 8_000, -1, { idTag: 'off' });
      await c.start(T, 5_000, 'OFF');
    },
    sessions: ['completed 3000 held stop_matched'],
  },
  {
    says: 'stops of nobody are orphans: ids 0, -1 (twice the same) and an unsigned -1',
    live: async (c) => {
      await c.stop(T, 777, 0);
      await c.stop(T + 1, 778, -1);
      await c.stop(T + 1, 778, -1);
      await c.stop(T + 2, 779, 2 ** 64);
    },
    sessions: ['orphan null held orphan', 'orphan null held orphan', 'orphan null held orphan'],
  },
  {
    says: 'a meter that began anew',
    live: async (c) => {
      const id = await c.start(T, 10_000);
      await c.meter(id, [
        [T + 5 * MINUTE, '11000'],
        [T + 10 * MINUTE, '200'],
        [T + 15 * MINUTE, '700'],
      ]);
      await c.stop(T + 20 * MINUTE, 700, id);
    },
    sessions: ['completed 1500 held meter_reset meter_stop_invalid'],
  },
  {
    says: 'a dip that comes back, samples out of order',
    live: async (c) => {
      const id = await c.start(T, 10_000);
      await c.meter(id, [
        [T + 15 * MINUTE, '11000'],
        [T + 10 * MINUTE, '300'],
        [T + 5 * MINUTE, '10500'],
      ]);
      await c.stop(T + 30 * MINUTE, 11_500, id);
    },
    sessions: ['completed 1500 meter_glitch'],
  },
  {
    says: 'values that are no numbers, or absurd ones, hurt nobody',
    live: async (c) => {
      const id = await c.start(T, 1_000);
      for (const value of ['NaN', '', 'abc', '1e308', '9'.repeat(300), '1,5'])
        await c.meter(id, [[T + MINUTE, value]]);
      await c.stop(T + 10 * MINUTE, 2_000, id);
    },
    sessions: ['completed 1000'],
  },
  {
    says: 'the main meter (connector 0) is in no session',
    live: async (c) => {
      const id = await c.start(T, 10);
      await c.meter(undefined, [[T + MINUTE, '200000']], 0);
      await c.stop(T + 10 * MINUTE, 20, id);
    },
    sessions: ['completed 10'],
    quarters: [10],
  },
  {
    says: 'a car that left without a stop, and the next one',
    live: async (c) => {
      await c.meter(await c.start(T, 1_000, 'P'), [[T + 5 * MINUTE, '1300']]);
      await c.stop(T + HOUR, 2_000, await c.start(T + 30 * MINUTE, 1_300, 'Q'));
    },
    sessions: ['abandoned 300', 'completed 700'],
  },
  {
    says: 'the same start after its stop and a boot is another session',
    live: async (c) => {
      const boot = { chargePointVendor: 'V', chargePointModel: 'M' };
      await c.stop(T + 10 * MINUTE, 500, await c.start(T, 0));
      await c.say('BootNotification', boot);
      await c.stop(T + 20 * MINUTE, 500, await c.start(T, 0));
    },
    sessions: ['completed 500', 'completed 500 held id_reused'],
  },
  {
    says: 'times without a zone are UTC',
    live: async (c) => {
      const bare = (at: number) => iso(at).replace('Z', '');
      const start = { connectorId: 1, idTag: 'T', meterStart: 0, timestamp: bare(T) };
      const { transactionId } = await c.say('StartTransaction', start);
      await c.say('StopTransaction', { transactionId, meterStop: 100, timestamp: bare(T + 15 * MINUTE) });
    },
    sessions: ['completed 100'],
    quarters: [100],
  },
  {
    says: '2.x: events backwards, Ended first',
    protocols: V2,
    live: async (c) => {
      await c.event('Ended', 2, T + 30 * MINUTE, [[T + 30 * MINUTE, 3_000, 'Transaction.End']]);
      await c.event('Updated', 1, T + 15 * MINUTE, [[T + 15 * MINUTE, 1_500]]);
      await c.event('Started', 0, T, [[T, 1_000, 'Transaction.Begin']], evse);
    },
    sessions: ['completed 2000'],
    quarters: [500, 1_500],
  },
  {
    says: '2.x: Ended twice, the second with a reason and all samples again',
    protocols: V2,
    live: async (c) => {
      const [begin, end] = [
        [T, 100, 'Transaction.Begin'] as [number, number, string],
        [T + 15 * MINUTE, 500, 'Transaction.End'] as [number, number, string],
      ];
      await c.event('Started', 0, T, [begin], evse);
      await c.event('Ended', 1, T + 15 * MINUTE, [end]);
      await c.event('Ended', 2, T + 16 * MINUTE, [begin, end], {
        transactionInfo: { transactionId: 'tx', stoppedReason: 'Local' },
      });
    },
    sessions: ['completed 400 reason=Local'],
  },
  {
    says: '2.x: only the end arrived',
    protocols: V2,
    live: (c) =>
      c.event('Ended', 4, T + 10 * MINUTE, [
        [T, 1_000, 'Transaction.Begin'],
        [T + 10 * MINUTE, 2_000, 'Transaction.End'],
      ]),
    sessions: ['completed 1000 missing_events'],
  },
  {
    says: '2.x: MeterValues beside the transaction count while it lasts',
    protocols: V2,
    live: async (c) => {
      const values = (at: number, value: number) =>
        c.say('MeterValues', { evseId: 1, meterValue: [{ timestamp: iso(at), sampledValue: [{ value }] }] });
      await c.event('Started', 0, T, [], evse);
      await values(T + MINUTE, 100);
      await values(T + 9 * MINUTE, 700);
      await c.event('Ended', 1, T + 10 * MINUTE);
      await values(T + 12 * MINUTE, 9_000);
    },
    sessions: ['completed 600'],
  },
  {
    says: '2.x: phases without a total',
    protocols: V2,
    live: async (c) => {
      const phases = (at: number, values: number[], context: string) => ({
        meterValue: [
          {
            timestamp: iso(at),
            sampledValue: values.map((value, i) => ({ value, context, phase: `L${i + 1}` })),
          },
        ],
      });
      await c.event('Started', 0, T, [], { ...evse, ...phases(T, [10, 20, 30], 'Transaction.Begin') });
      const end = T + 10 * MINUTE;
      await c.event('Ended', 1, end, [], phases(end, [110, 220, 330], 'Transaction.End'));
    },
    sessions: ['completed 600'],
  },
];

const CASES = LIVES.flatMap((life, index) =>
  (life.protocols ?? (['ocpp1.6'] as const)).map((protocol) => ({
    ...life,
    protocol,
    id: `LIFE-${index}-${protocol}`,
  })),
);

let installation: TestInstallation;

beforeAll(async () => {
  installation = await testInstallation();
  const [ingest, analytics] = (await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
  ])) as [RunningRole, RunningRole];
  await Promise.all(
    CASES.map(async ({ id, protocol, live }) => {
      const charger = new Outsider(() => ocppUrl(ingest), id, protocol);
      await live(charger);
      await charger.close();
    }),
  );
  // `Disconnected` lies after everything else a charger said; a clean stop then waits for rows still on their way.
  await installation.until(
    () => installation.database.select('SELECT 1 FROM connections WHERE `to` IS NOT NULL'),
    (ended) => ended.length === CASES.length,
  );
  await analytics.kill('SIGTERM');
}, 60_000);

afterAll(() => installation?.stop());

interface SessionRow {
  status: string;
  energy: number | null;
  held: boolean;
  stop_reason: string;
  anomalies: string[];
}

test.each(CASES)('$says ($protocol)', async ({ id, sessions, quarters }) => {
  const { database } = installation;
  const rows = await database.select<SessionRow>(`
    SELECT status, toFloat64(energy_wh) AS energy, held, stop_reason, arraySort(anomalies) AS anomalies FROM sessions
    WHERE charge_point_id = '${id}' ORDER BY started_at, length(anomalies), transaction_id`);
  const wantsReason = sessions.some((line) => line.includes('reason='));
  const lines = rows.map((row) =>
    [
      row.status,
      row.energy,
      ...(row.held ? ['held'] : []),
      ...row.anomalies,
      ...(wantsReason ? [`reason=${row.stop_reason}`] : []),
    ]
      .join(' ')
      .replace(/ {2,}/g, ' null '),
  );
  expect(lines).toEqual(sessions);

  const buckets = await database.select<{ at: number; wh: number }>(`
    SELECT toUnixTimestamp64Milli(bucket) AS at, toFloat64(energy_wh) AS wh FROM energy_15m
    WHERE charge_point_id = '${id}' ORDER BY bucket`);
  const sum = buckets.reduce((total, { wh }) => total + wh, 0);
  expect(sum).toBeCloseTo(
    rows.reduce((total, { energy }) => total + (energy ?? 0), 0),
    6,
  );
  if (quarters !== undefined) {
    const wanted = quarters.map((wh, i) => ({ at: T + i * 15 * MINUTE, wh }));
    expect(buckets.map(({ at, wh }) => ({ at: Number(at), wh })).filter(({ wh }) => wh > 0)).toEqual(wanted);
  }
});
