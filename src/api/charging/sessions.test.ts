/** A customer's sessions and receipts over tables that the test writes: when there is a receipt, and why there is none. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { examples } from '../../domain/registry/testing/examples.js';
import { fakeStore } from '../../registry/testing/fakes.js';
import type { KnownSession } from './book.js';
import { SessionPricer } from './pricer.js';
import { SessionDesk } from './sessions.js';

const SESSION = '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f';
const { store } = fakeStore();

beforeAll(async () => {
  await store.replica.level;
  for (const kind of ['station', 'tariff', 'account'] as const)
    await store.propose({
      kind,
      id: examples[kind].id,
      change: 'created',
      state: examples[kind],
      version: 0,
      actor: 'eve',
    });
});

const row = {
  session_id: SESSION,
  charge_point_id: 'CP-1',
  connector_id: 1,
  evse_id: null,
  transaction_id: '101',
  auth_status: 'Accepted',
  station_id: 'st-1',
  account_id: 'ac-1',
  tariff: 'day@1',
  status: 'completed',
  held: false,
  started_at: '2026-11-25T12:00:00.000Z',
  stopped_at: '2026-11-25T13:00:00.000Z',
  last_seen_at: '2026-11-25T13:00:00.000Z',
  meter_start_wh: 1_000,
  meter_stop_wh: 11_000,
  energy_wh: 10_000,
  estimated: false,
  max_power_w: 10_000,
  soc_end: null,
  stop_reason: 'Local',
  anomalies: [] as string[],
  protocol: 'ocpp1.6',
  version: 7,
  cursor: `1_${SESSION}`,
};

function deskOf(
  rows: Partial<typeof row>[],
  { known = [], supplier = 'Stadtwerke' }: { known?: KnownSession[]; supplier?: string | null } = {},
) {
  const queries = {
    async ask(name: string, params: Record<string, unknown>) {
      const all = name === 'account-sessions' ? rows.map((one) => ({ ...row, ...one })) : [];
      const found = all.filter(
        (one) =>
          one.account_id === params.account_id &&
          (params.session_id === undefined || one.session_id === params.session_id),
      );
      return { columns: [], rows: found, elapsedMs: 0, rowsRead: 0 };
    },
  };
  const { replica } = store;
  return new SessionDesk({
    queries,
    book: {
      session: (id) => known.find(({ session }) => session.sessionId === id),
      sessionsOf: (accountId) => known.filter(({ session }) => session.accountId === accountId),
    },
    replica,
    pricer: new SessionPricer({ queries, replica }),
    supplier: { name: supplier ?? undefined, address: undefined, vatId: undefined },
  });
}

const justBegun: KnownSession = {
  version: 9,
  session: {
    sessionId: SESSION,
    chargePointId: 'CP-1',
    evseId: 1,
    connectorId: 1,
    transactionId: '101',
    status: 'active',
    held: false,
    authStatus: 'Accepted',
    stationId: 'st-1',
    accountId: 'ac-1',
    tariff: 'day@1',
    startedAt: '2026-11-25T12:00:00.000Z',
    stoppedAt: null,
    lastSeenAt: '2026-11-25T12:00:00.000Z',
    energyWh: null,
    energyExportWh: null,
    powerW: null,
    maxPowerW: null,
    socPercent: null,
    stopReason: '',
    estimated: false,
    anomalies: [],
    remoteStartId: null,
  },
};

describe('a receipt', () => {
  test('of a session that has ended: 10 kWh x 0.25, with 21 % VAT', async () => {
    const { total, lines } = await deskOf([{}]).receipt('ac-1', SESSION);
    // 2.50 and 0.525 of VAT: one rounding per amount, half away from zero.
    expect(total).toMatchObject({ exclVat: '2.50', inclVat: '3.03' });
    expect(lines).toMatchObject([{ dimension: 'ENERGY', price: '0.25', quantity: '10.0000' }]);
  });

  test.each([
    ['goes on', [{ status: 'active', stopped_at: null as never }], 'SESSION_GOES_ON'],
    [
      'is held: nobody is billed before somebody has looked',
      [{ held: true, anomalies: ['meter_jump'] }],
      'SESSION_HELD',
    ],
    ['is an orphan: shown and never billed', [{ status: 'orphan' }], 'SESSION_ORPHAN'],
    ['has no tariff: the cost is unknown, never zero', [{ tariff: '' }], 'COST_UNKNOWN'],
    ['has a tariff that nobody knows', [{ tariff: 'gone@3' }], 'COST_UNKNOWN'],
    ['has no figure of energy', [{ energy_wh: null as never }], 'COST_UNKNOWN'],
    ['is another one’s', [{ account_id: 'ac-2' }], 'SESSION_UNKNOWN'],
    ['is none', [], 'SESSION_UNKNOWN'],
  ])('there is none while the session %s', async (_, rows, code) => {
    await expect(deskOf(rows).receipt('ac-1', SESSION)).rejects.toMatchObject({ code });
  });

  test('what a held session looked like is said', async () => {
    await expect(
      deskOf([{ held: true, anomalies: ['meter_jump'] }]).receipt('ac-1', SESSION),
    ).rejects.toThrow('meter_jump');
  });

  test('there is none of a session that has just begun, and is in no table yet', async () => {
    const desk = deskOf([], { known: [justBegun] });
    await expect(desk.receipt('ac-1', SESSION)).rejects.toMatchObject({ code: 'SESSION_GOES_ON' });
    await expect(desk.receipt('ac-2', SESSION)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  });

  test('names who supplied: the setting, else the operator of the station', async () => {
    expect((await deskOf([{}]).receipt('ac-1', SESSION)).supplier.name).toBe('Stadtwerke');
    expect((await deskOf([{}], { supplier: null }).receipt('ac-1', SESSION)).supplier.name).toBe(
      'Wattstream',
    );
    const nowhere = deskOf([{ station_id: 'elsewhere' }], { supplier: null });
    await expect(nowhere.receipt('ac-1', SESSION)).rejects.toMatchObject({ code: 'SUPPLIER_UNKNOWN' });
  });
});

test('a session is shown before any table has it, and only to whose it is', async () => {
  const desk = deskOf([], { known: [justBegun] });
  expect(await desk.one('ac-1', SESSION)).toMatchObject({ status: 'active', cost: null });
  await expect(desk.one('ac-2', SESSION)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  const asked = { limit: 10, cursor: '', status: '' } as const;
  expect((await desk.list('ac-1', asked)).sessions).toHaveLength(1);
  expect((await desk.list('ac-2', asked)).sessions).toEqual([]);
});

test('what was announced after the row is shown; an older announcement is not', async () => {
  const newer = { version: 9, session: { ...justBegun.session, energyWh: 12_000 } };
  expect(await deskOf([{}], { known: [newer] }).one('ac-1', SESSION)).toMatchObject({
    status: 'active',
    energyWh: 12_000,
  });
  expect(await deskOf([{}], { known: [{ ...newer, version: 6 }] }).one('ac-1', SESSION)).toMatchObject({
    status: 'completed',
    energyWh: 10_000,
    cost: { exclVat: '2.50', final: true },
  });
});
