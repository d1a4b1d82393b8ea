/** Rows of the storage tables for tests of what reads them; each names only what it is about. */
const common = { generation: 1, version: 1, is_deleted: 0 };
export const uuid = (n: number): string => `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;

type Row = Record<string, unknown>;

export const sessionRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  session_id: uuid(1),
  connector_id: 1,
  transaction_id: '101',
  id_token: 'TAG1',
  auth_status: 'Accepted',
  status: 'completed',
  started_at: '2026-11-23T08:00:00.000Z',
  stopped_at: '2026-11-23T09:00:00.000Z',
  last_seen_at: '2026-11-23T09:00:00.000Z',
  energy_wh: 1_000,
  energy_source: 'registers',
  protocol: 'ocpp1.6',
  ...row,
});

export const quarterRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  session_id: uuid(1),
  connector_id: 1,
  bucket: '2026-11-23T08:00:00.000Z',
  energy_wh: 100,
  peak_power_w: 400,
  connected_s: 900,
  charging_s: 900,
  ...row,
});

export const statusRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  evse_id: 0,
  connector_id: 1,
  from: '2026-11-23T08:00:00.000Z',
  to: null,
  status: 'Available',
  ...row,
});

export const connectionRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  connection: 'c1',
  gateway: 'g1',
  protocol: 'ocpp1.6',
  address: '10.0.0.1',
  from: '2026-11-23T08:00:00.000Z',
  to: null,
  ...row,
});

export const meterValueRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  ts: '2026-11-23T08:05:00.000Z',
  origin: 'tx:101',
  measurand: 'Energy.Active.Import.Register',
  location: 'Outlet',
  context: 'Sample.Periodic',
  raw: '100',
  value: 100,
  unit: 'Wh',
  session_id: uuid(1),
  connector_id: 1,
  ...row,
});

export const anomalyRow = (row: Row): Row => ({
  ...common,
  charge_point_id: 'CP-1',
  epoch: 1,
  partition: 0,
  offset: 1,
  number: 0,
  at: '2026-11-23T08:00:00.000Z',
  kind: 'undecodable',
  detail: 'not JSON',
  ...row,
});

export const frameRow = (row: Row): Row => ({
  epoch: 1,
  partition: 0,
  offset: 0,
  charge_point_id: 'CP-1',
  received_at: '2026-11-23T08:00:00.000Z',
  direction: 'in',
  protocol: 'ocpp1.6',
  action: 'Heartbeat',
  message_id: 'm1',
  frame: '[2,"m1","Heartbeat",{}]',
  properties: { gateway: 'g1' },
  ...row,
});

export const markerRow = (row: Row): Row => ({
  generation: 1,
  epoch: 1,
  partition: 0,
  kind: 'marker',
  next_offset: 10,
  last_offset: 9,
  last_hash: 'aa',
  states: 2,
  states_hash: 'bb',
  taken_at: '2026-11-23T08:00:00.000Z',
  ...row,
});
