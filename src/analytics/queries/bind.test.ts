import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bind, placeholders } from './bind.js';
import { byName, QUERIES } from './registry.js';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const now = '2026-11-23 12:00:00.000';
const BEGINNING = '1900-01-01 00:00:00.000';
const END = '2299-12-31 00:00:00.000';
const dayAgo = '2026-11-22 12:00:00.000';
const monthAgo = '2026-10-24 12:00:00.000';
const id = '6c84fb90-12c4-11e1-840d-7b25c5ee775a';

/** What is asked, and exactly what the engine gets for it. */
const cases: Record<string, [asked: Record<string, unknown>, params: Record<string, unknown>][]> = {
  sessions: [
    [{}, { charge_point_id: '', status: '', from: BEGINNING, to: END, limit: 100, cursor: '' }],
    [
      {
        charge_point_id: "o'Hara\t1",
        status: 'active',
        from: '-24h',
        to: 'now',
        limit: '5',
        cursor: `17_${id}`,
      },
      { charge_point_id: "o'Hara\t1", status: 'active', from: dayAgo, to: now, limit: 5, cursor: `17_${id}` },
    ],
  ],
  session: [[{ session_id: id }, { session_id: id, samples: 10_000 }]],
  'live-sessions': [[{}, { charge_point_id: '', now, limit: 500 }]],
  chargers: [
    [{}, { charge_point_id: '', connected: '', after: '', limit: 200, now }],
    [
      { connected: 'true', after: 'CP-7' },
      { charge_point_id: '', connected: 'true', after: 'CP-7', limit: 200, now },
    ],
  ],
  'energy-by-charge-point': [[{}, { from: monthAgo, to: END, limit: 1_000 }]],
  'energy-by-day': [
    [
      { time_zone: 'Europe/Berlin', from: '2026-11-01' },
      {
        charge_point_id: '',
        from: '2026-11-01 00:00:00.000',
        to: END,
        time_zone: 'Europe/Berlin',
        limit: 1_000,
      },
    ],
  ],
  'energy-15m': [[{}, { charge_point_id: '', from: dayAgo, to: END, limit: 1_000 }]],
  'meter-values': [
    [
      { charge_point_id: 'CP-1' },
      { charge_point_id: 'CP-1', session_id: '', measurand: '', from: dayAgo, to: END, limit: 1_000 },
    ],
  ],
  'status-now': [[{}, { charge_point_id: '', status: '', limit: 1_000, now }]],
  'status-intervals': [[{}, { charge_point_id: '', status: '', from: dayAgo, to: END, limit: 1_000 }]],
  availability: [[{}, { charge_point_id: '', from: monthAgo, to: now, limit: 1_000 }]],
  connections: [[{}, { charge_point_id: '', from: dayAgo, to: END, limit: 1_000, now }]],
  anomalies: [[{}, { charge_point_id: '', kind: '', from: BEGINNING, to: END, limit: 200 }]],
  'frames-of-charge-point': [
    [
      { charge_point_id: 'CP-1', cursor: '1_7_99' },
      { charge_point_id: 'CP-1', action: '', from: dayAgo, to: END, limit: 100, cursor: '1_7_99' },
    ],
  ],
  throughput: [[{}, { from: '2026-11-23 11:00:00.000', to: END, limit: 1_000 }]],
  commands: [
    [
      {},
      {
        charge_point_id: '',
        action: '',
        status: '',
        actor: '',
        from: BEGINNING,
        to: END,
        limit: 100,
        cursor: '',
      },
    ],
    [
      { charge_point_id: 'CP-1', status: 'timed-out', from: '-24h', cursor: `17_${id}` },
      {
        charge_point_id: 'CP-1',
        action: '',
        status: 'timed-out',
        actor: '',
        from: dayAgo,
        to: END,
        limit: 100,
        cursor: `17_${id}`,
      },
    ],
  ],
  command: [[{ command_id: id }, { command_id: id }]],
  'command-steps': [[{}, { charge_point_id: '', command_id: '', from: BEGINNING, to: END, limit: 200 }]],
  'charging-events': [
    [
      { type: 'session' },
      { charge_point_id: '', type: 'session', session_id: '', from: dayAgo, to: END, limit: 100 },
    ],
  ],
  reservations: [
    [
      { state: 'active' },
      { charge_point_id: '', state: 'active', from: BEGINNING, to: END, limit: 100, now },
    ],
  ],
  'charging-profiles': [[{ outlet: '0' }, { charge_point_id: '', outlet: '0', state: '', limit: 100, now }]],
  'local-lists': [[{}, { charge_point_id: '', limit: 1_000 }]],
  jobs: [
    [
      { kind: 'firmware' },
      { charge_point_id: '', kind: 'firmware', state: '', from: BEGINNING, to: END, limit: 100 },
    ],
  ],
  checkpoints: [[{}, { now }]],
  'event-positions': [[{}, { now }]],
  refusals: [[{}, { limit: 100 }]],
  generations: [[{}, { limit: 100 }]],
  overview: [[{}, { now }]],
  'snapshot-chargers': [[{}, { charge_point_id: '', limit: 5_000 }]],
  'snapshot-connectors': [[{}, { charge_point_id: '', limit: 5_000 }]],
  'snapshot-sessions': [
    [
      { station_id: 'st-7', account_id: 'ac-9' },
      { charge_point_id: '', station_id: 'st-7', account_id: 'ac-9', limit: 5_000, now },
    ],
  ],
  'account-sessions': [
    [
      { account_id: 'ac-9', cursor: `17_${id}` },
      { account_id: 'ac-9', session_id: '', status: '', limit: 50, cursor: `17_${id}` },
    ],
  ],
  'session-samples': [
    [
      { session_ids: `["${id}"]`, charge_point_ids: '["CP-1"]', from: '2026-11-25', to: '2026-11-26' },
      {
        session_ids: `["${id}"]`,
        charge_point_ids: '["CP-1"]',
        from: '2026-11-25 00:00:00.000',
        to: '2026-11-26 00:00:00.000',
        limit: 200_000,
      },
    ],
  ],
  'sessions-by-id': [
    [
      { session_ids: `["${id}"]`, charge_point_ids: '["CP-1"]' },
      { session_ids: `["${id}"]`, charge_point_ids: '["CP-1"]', limit: 500 },
    ],
  ],
  'outlets-now': [
    [{ charge_point_ids: `["o'Hara\\t1"]` }, { charge_point_ids: `["o'Hara\\t1"]`, limit: 10_000 }],
  ],
  'charging-request': [[{ request_id: id }, { request_id: id }]],
};

describe('what is asked of the engine', () => {
  test('every question has a case here', () => {
    expect(Object.keys(cases).sort()).toEqual(QUERIES.map(({ name }) => name).sort());
  });

  test.each(
    Object.entries(cases).flatMap(([name, list]) => list.map(([asked, params]) => ({ name, asked, params }))),
  )('$name $asked', ({ name, asked, params }) => {
    const query = byName(name)!;
    expect(bind(query, asked, NOW)).toEqual({ sql: query.sql, params });
  });
});

describe.each(QUERIES.map((query) => [query.name, query] as const))('%s', (_, query) => {
  test('its text names exactly the parameters it declares', () => {
    const named = new Set(placeholders(query.sql).keys());
    named.delete('now');
    expect([...named].sort()).toEqual(Object.keys(query.params.shape).sort());
  });

  test('each parameter has one type, and is explained to people', () => {
    const types = new Map<string, string>();
    for (const [, name, type] of query.sql.matchAll(/\{(\w+):([^}]+)\}/g)) {
      expect(types.get(name!) ?? type).toBe(type);
      types.set(name!, type!);
    }
    for (const field of Object.values(query.params.shape)) expect(field.description).toBeTruthy();
  });
});

test('no text without a question', () => {
  const folder = new URL('../../../dashboards/queries/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  expect(files.sort()).toEqual(QUERIES.map(({ name }) => `${name}.sql`).sort());
});

describe('what is wrong is said per parameter, and nothing is asked', () => {
  test.each([
    ['sessions', { limit: 0 }, 'limit'],
    ['sessions', { limit: 1_001 }, 'limit'],
    ['sessions', { limit: 'many' }, 'limit'],
    ['sessions', { status: 'running' }, 'status'],
    ['sessions', { from: 'yesterday' }, 'from'],
    ['sessions', { cursor: "1_' OR 1" }, 'cursor'],
    ['sessions', { form: '-24h' }, 'form'],
    ['sessions', { charge_point_id: ['a', 'b'] }, 'charge_point_id'],
    ['session', {}, 'session_id'],
    ['command', { command_id: 'x' }, 'command_id'],
    ['commands', { status: 'gone' }, 'status'],
    ['jobs', { kind: 'coffee' }, 'kind'],
    ['session', { session_id: 'x' }, 'session_id'],
    ['frames-of-charge-point', { charge_point_id: '' }, 'charge_point_id'],
    ['energy-by-day', { time_zone: 'Mars/Olympus' }, 'time_zone'],
  ])('%s %p', (name, asked, field) => {
    expect(() => bind(byName(name)!, asked, NOW)).toThrow(
      expect.objectContaining({ code: 'QUERY_PARAMS_INVALID', message: expect.stringContaining(field) }),
    );
  });
});
