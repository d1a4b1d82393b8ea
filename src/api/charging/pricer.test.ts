/** A price out of some of a session's readings would be a wrong one: all of them, or none. */
import { beforeAll, expect, test } from '@jest/globals';
import { examples } from '../../domain/registry/testing/examples.js';
import { fakeStore } from '../../registry/testing/fakes.js';
import { SessionPricer } from './pricer.js';
import type { SessionRow } from './session-row.js';

const { store } = fakeStore();
beforeAll(async () => {
  await store.replica.level;
  const state = {
    ...examples.tariff,
    // Dear before 13:00 UTC, cheap after: what a price is made of is when the energy was taken.
    elements: [
      {
        price_components: [{ type: 'ENERGY', price: 1, vat: 0, step_size: 1 }],
        restrictions: { end_time: '13:00', start_time: '00:00' },
      },
      { price_components: [{ type: 'ENERGY', price: 0.1, vat: 0, step_size: 1 }] },
    ],
  };
  await store.propose({
    kind: 'tariff',
    id: 'day',
    change: 'created',
    state: state as never,
    version: 0,
    actor: 'eve',
  });
  const station = { ...examples.station, time_zone: 'UTC' };
  await store.propose({
    kind: 'station',
    id: 'st-1',
    change: 'created',
    state: station,
    version: 0,
    actor: 'eve',
  });
});

const row = (n: number): SessionRow => ({
  sessionId: `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`,
  chargePointId: `CP-${n}`,
  connectorId: 1,
  evseId: null,
  transactionId: '1',
  authStatus: 'Accepted',
  stationId: 'st-1',
  accountId: 'ac-1',
  tariff: 'day@1',
  status: 'completed',
  held: false,
  startedAt: '2026-11-25T12:00:00.000Z',
  stoppedAt: '2026-11-25T14:00:00.000Z',
  lastSeenAt: '2026-11-25T14:00:00.000Z',
  meterStartWh: 0,
  meterStopWh: 10_000,
  energyWh: 10_000,
  estimated: false,
  maxPowerW: null,
  socEnd: null,
  stopReason: '',
  anomalies: [],
  protocol: 'ocpp1.6',
  version: 1,
  cursor: '',
});

/** All of it was taken before 13:00; each session has so many readings that say so. */
function pricerOver(perSession: number) {
  const asked: number[] = [];
  const pricer = new SessionPricer({
    replica: store.replica,
    queries: {
      async ask(_, params) {
        const ids = JSON.parse(String(params.session_ids)) as string[];
        asked.push(ids.length);
        const rows = ids.flatMap((session_id) =>
          Array.from({ length: perSession }, () => ({
            session_id,
            ts: '2026-11-25T12:59:59.000Z',
            measurand: 'Energy.Active.Import.Register',
            phase: '',
            location: 'Outlet',
            context: 'Sample.Periodic',
            value: 10_000,
          })),
        );
        return { columns: [], rows: rows.slice(0, Number(params.limit)), elapsedMs: 0, rowsRead: 0 };
      },
    },
  });
  return { pricer, asked };
}

test('sessions with more readings than are read at once are read in parts, and none is priced by half of them', async () => {
  const { pricer, asked } = pricerOver(20_000);
  const rows = [1, 2, 3, 4, 5].map(row);
  const reckoned = await pricer.reckon(rows);
  expect(rows.map(({ sessionId }) => reckoned.get(sessionId)?.pricing)).toMatchObject(
    rows.map(() => ({ kind: 'priced', cost: { exclVat: '10.00' } })),
  );
  expect(asked).toEqual([5, 3, 2, 1, 2]);
});

test('one that has more than can be read has no price, which is not zero', async () => {
  const { pricer } = pricerOver(500_000);
  const { sessionId } = row(1);
  expect((await pricer.reckon([row(1)])).get(sessionId)).toMatchObject({
    pricing: { kind: 'unpriced', reason: 'too-many-samples' },
  });
});
