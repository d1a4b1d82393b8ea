/** What a customer reads on the map must be what stands on the street: a wrong "free" sends somebody there for nothing. */
import { beforeAll, expect, test } from '@jest/globals';
import { examples } from '../../domain/registry/testing/examples.js';
import { fakeStore } from '../../registry/testing/fakes.js';
import { StationDesk } from './stations.js';

const { store } = fakeStore();
const [evse] = examples.point.evses;
if (evse === undefined) throw new Error('the example has an EVSE');

beforeAll(async () => {
  await store.replica.level;
  const create = (kind: 'station' | 'tariff' | 'point', state: object & { id: string }) =>
    store.propose({ kind, id: state.id, change: 'created', state: state as never, version: 0, actor: 'eve' });
  await create('station', examples.station);
  await create('tariff', examples.tariff);
  // The commonest charger there is: two outlets, each an EVSE with one connector.
  await create('point', {
    ...examples.point,
    evses: [evse, { ...evse, evseId: 2, evse_id: 'NL*WAT*E0001*2' }],
  } as never);
});

const stationsWith = async (
  protocol: string,
  rows: [number, number, string][],
  announced: typeof rows = [],
) => {
  const desk = new StationDesk({
    queries: {
      ask: async () => ({
        columns: [],
        rows: rows.map(([evse_id, connector_id, status]) => ({
          charge_point_id: 'CP-1',
          evse_id,
          connector_id,
          status,
          protocol,
          version: 1,
        })),
        elapsedMs: 0,
        rowsRead: 0,
      }),
    },
    book: {
      statusesOf: () =>
        announced.map(([evseId, connectorId, status]) => ({ evseId, connectorId, status, version: 2 })),
    },
    protocolOf: () => undefined,
    replica: store.replica,
    clock: { now: Date.now },
  });
  const asked = { near: undefined, radiusM: 1, free: false, minPowerW: 0, limit: 10, cursor: undefined };
  const { stations } = await desk.find('ac-1', asked);
  return stations[0]?.outlets.map(({ state }) => state);
};

test('1.6 counts connectors through the charger, 2.x within each EVSE', async () => {
  expect(
    await stationsWith('ocpp1.6', [
      [1, 1, 'Charging'],
      [2, 2, 'Available'],
    ]),
  ).toEqual(['occupied', 'free']);
  expect(
    await stationsWith('ocpp2.0.1', [
      [1, 1, 'Available'],
      [2, 1, 'Faulted'],
    ]),
  ).toEqual(['free', 'unavailable']);
  expect(await stationsWith('ocpp1.6', [])).toEqual(['unknown', 'unknown']);
});

test('what was announced a moment ago counts before any table has it', async () => {
  expect(
    await stationsWith(
      'ocpp1.6',
      [
        [1, 1, 'Available'],
        [2, 2, 'Available'],
      ],
      [[2, 2, 'Charging']],
    ),
  ).toEqual(['free', 'occupied']);
});

test('however many stations have nothing that is wanted, one request asks the tables a set number of times', async () => {
  const { store: many } = fakeStore();
  await many.replica.level;
  const create = (kind: 'station' | 'tariff' | 'point', state: object & { id: string }) =>
    many.propose({ kind, id: state.id, change: 'created', state: state as never, version: 0, actor: 'eve' });
  await create('tariff', examples.tariff);
  const ids = Array.from({ length: 1_100 }, (_, n) => `st-${10_000 + n}`);
  for (const id of ids) {
    await create('station', { ...examples.station, id });
    const evses = [{ ...evse, evse_id: undefined }];
    const { certificateCommonName: _, ...point } = examples.point;
    const own = { ...point, id: `CP-${id}`, station: id, evses };
    await create('point', own);
  }
  let asked = 0;
  const desk = new StationDesk({
    queries: {
      async ask() {
        asked += 1;
        return { columns: [], rows: [], elapsedMs: 0, rowsRead: 0 };
      },
    },
    // The last of all has a free outlet.
    book: {
      statusesOf: (id) =>
        id === `CP-${ids.at(-1)}` ? [{ evseId: 1, connectorId: 1, status: 'Available', version: 1 }] : [],
    },
    replica: many.replica,
    protocolOf: () => 'ocpp2.0.1',
    clock: { now: Date.now },
  });
  const all = { near: undefined, radiusM: 1, free: true, minPowerW: 0, limit: 10, cursor: undefined };
  const first = await desk.find('ac-1', all);
  expect(first).toMatchObject({ stations: [], nextCursor: expect.any(String) });
  expect(asked).toBe(20);
  const rest = await desk.find('ac-1', { ...all, cursor: first.nextCursor ?? '' });
  expect(rest).toMatchObject({ stations: [{ stationId: ids.at(-1) }], nextCursor: null });
  asked = 0;
  expect(await desk.find('ac-1', { ...all, minPowerW: 1e12 })).toMatchObject({
    stations: [],
    nextCursor: null,
  });
  expect(asked).toBe(0);
}, 60_000);
