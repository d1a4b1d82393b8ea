import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { type Ask, listening } from '../../test/http.js';
import type { Queries, QueryAnswer } from '../analytics/ports.js';
import { bind } from '../analytics/queries/bind.js';
import { byName, QUERIES } from '../analytics/queries/registry.js';
import { WattstreamError } from '../platform/errors.js';
import { silentLogger } from '../platform/logger.js';
import { Registry } from '../platform/metrics.js';
import type { PartitionBounds } from '../streams/ports.js';
import { buildApp } from './app.js';
import { NO_AUTHENTICATION } from './auth/authenticator.js';

/** The real questions, judged by the real rules; only the rows are chosen here, by the question's name. */
function questions(rows: Record<string, Record<string, unknown>[] | Error>) {
  const asked: { name: string; params: Record<string, unknown> }[] = [];
  const queries: Queries = {
    list: () => QUERIES,
    async ask(name, params): Promise<QueryAnswer> {
      const query = byName(name);
      if (query === undefined)
        throw new WattstreamError('QUERY_UNKNOWN', `There is no question named '${name}'`);
      const bound = bind(query, params, Date.UTC(2026, 10, 23, 12));
      asked.push({ name, params: { ...bound.params } });
      const chosen = rows[name] ?? [];
      if (chosen instanceof Error) throw chosen;
      const columns = Object.keys(query.columns).map((column) => ({ name: column, type: 'String' }));
      return { columns, rows: chosen, elapsedMs: 1.23456, rowsRead: 7 };
    },
    ping: async () => {},
  };
  return { queries, asked };
}

const charger = {
  charge_point_id: 'CP-1',
  connected: true,
  protocol: 'ocpp1.6',
  gateway: 'g1',
  address: '10.0.0.1',
  last_seen_at: '2026-11-23T11:59:20.000Z',
  connectors: [
    {
      evse_id: 0,
      connector_id: 1,
      status: 'Charging',
      error_code: '',
      vendor_code: '',
      since: '2026-11-23T11:00:00.000Z',
    },
  ],
  active_sessions: [
    {
      session_id: '00000000-0000-5000-8000-000000000001',
      evse_id: null,
      connector_id: 1,
      transaction_id: '101',
      started_at: '2026-11-23T11:00:00.000Z',
      energy_wh: 12.5,
    },
  ],
};

describe('the API', () => {
  let app: FastifyInstance;
  let get: Ask;
  let bounds: () => Promise<PartitionBounds[]>;
  let eventBounds: () => Promise<{ first: number | undefined; last: number | undefined }>;
  let notReady: string | undefined;
  const rows: Record<string, Record<string, unknown>[] | Error> = {};
  let asked: { name: string; params: Record<string, unknown> }[];

  beforeEach(async () => {
    for (const name of Object.keys(rows)) delete rows[name];
    notReady = undefined;
    bounds = async () => [];
    eventBounds = async () => ({ first: 0, last: 7 });
    const scripted = questions(rows);
    asked = scripted.asked;
    app = await buildApp({
      queries: scripted.queries,
      inspector: { bounds: () => bounds() },
      eventStreams: [{ stream: 'charging.events.log', log: { bounds: () => eventBounds() } }],
      health: { ready: () => notReady },
      access: { authentication: NO_AUTHENTICATION, stationOf: () => undefined, hosts: [] },
      metrics: new Registry(),
      log: silentLogger,
      docsPage: false,
    });
    get = await listening(app);
  });
  afterEach(() => app.close());

  describe('questions', () => {
    test('all of them are listed with parameters and columns', async () => {
      const { queries } = (await get('/api/analytics/queries')).json();
      expect(queries.map(({ name }: { name: string }) => name)).toEqual(QUERIES.map(({ name }) => name));
      expect(queries[0]).toMatchObject({
        href: '/api/analytics/queries/sessions',
        parameters: { properties: { limit: { default: 100, maximum: 1_000 }, status: { type: 'string' } } },
        columns: { energy_wh: 'Energy delivered, Wh' },
      });
    });

    test('an answer says what its columns hold', async () => {
      rows['energy-by-day'] = [{ day: '2026-11-23', energy_wh: 12.5 }];
      const response = await get('/api/analytics/queries/energy-by-day?from=-7d&limit=5');
      expect(response.statusCode).toBe(200);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.json()).toMatchObject({
        query: 'energy-by-day',
        columns: [
          { name: 'day', type: 'String', description: 'Day in the time zone asked for' },
          {},
          {},
          {},
          {},
        ],
        rows: [{ day: '2026-11-23', energy_wh: 12.5 }],
        elapsedMs: 1.2,
        rowsRead: 7,
      });
      expect(asked[0]!.params).toMatchObject({ from: '2026-11-16 12:00:00.000', limit: 5 });
    });

    test.each([
      ['text/csv', 'text/csv'],
      ['text/csv;q=0.9, application/json;q=0.1', 'text/csv'],
      ['text/*', 'text/csv'],
      ['application/json', 'application/json'],
      ['*/*', 'application/json'],
      ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json'],
    ])('Accept: %s is answered as %s', async (accept, type) => {
      rows.generations = [{ generation: 1, reason: 'a "b", c', actor: '=1+1' }];
      const response = await get('/api/analytics/queries/generations', { accept });
      expect(response.headers['content-type']).toContain(type);
      expect(response.headers.vary).toBe('accept');
    });

    test('CSV is quoted, and no cell is a formula', async () => {
      rows.generations = [
        { generation: 1, active: true, reason: 'a "b",\nc', actor: '=1+1', code_version: '-5' },
      ];
      const response = await get('/api/analytics/queries/generations.csv');
      expect(response.headers['content-type']).toContain('text/csv');
      expect(response.body).toBe(
        'generation,active,code_version,activated_at,actor,reason\r\n1,true,-5,,\'=1+1,"a ""b"",\nc"\r\n',
      );
    });

    test('what cannot be accepted is said', async () => {
      const response = await get('/api/analytics/queries/overview', { accept: 'image/png' });
      expect(response.statusCode).toBe(406);
      expect(response.json().code).toBe('NOT_ACCEPTABLE');
    });
  });

  describe('problems', () => {
    test('wrong parameters, field by field', async () => {
      const response = await get('/api/analytics/queries/sessions?limit=0&form=-24h&status=running');
      expect(response.statusCode).toBe(400);
      expect(response.headers['content-type']).toContain('application/problem+json');
      const problem = response.json();
      expect(problem).toMatchObject({
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        code: 'QUERY_PARAMS_INVALID',
      });
      expect(problem.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
        'form',
        'limit',
        'status',
      ]);
      expect(problem.requestId).toBe(response.headers['x-request-id']);
    });

    test('wrong parameters of a resource have the same shape', async () => {
      const response = await get('/api/charger?limit=0');
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ code: 'REQUEST_INVALID', errors: [{ field: 'limit' }] });
    });

    test('a parameter that is none is named, and so are those that are', async () => {
      const response = await get('/api/charger?limits=3&near=1');
      expect(response.statusCode).toBe(400);
      expect(response.json().errors).toEqual([
        { field: 'limits', message: expect.stringMatching(/not known here; there are .*\blimit\b/) },
        { field: 'near', message: expect.any(String) },
      ]);
    });

    test.each([
      ['/nowhere', 404, 'NOT_FOUND'],
      ['/api/analytics/queries/nonsense', 404, 'QUERY_UNKNOWN'],
      ['/api/charger/nobody', 404, 'CHARGER_UNKNOWN'],
      ['/api/charger/%zz', 400, 'REQUEST_INVALID'],
      [`/api/charger/${'x'.repeat(1_500)}`, 414, 'URI_TOO_LONG'],
    ])('%s is %i %s', async (url, status, code) => {
      const response = await get(url);
      expect({ status: response.statusCode, ...response.json() }).toMatchObject({ status, code });
      expect(response.headers['content-type']).toContain('application/problem+json');
    });

    test('another method on a known path is 405 and says which are possible', async () => {
      const response = await get('/api/charger/CP-1', {}, 'DELETE');
      expect(response.statusCode).toBe(405);
      expect(response.headers.allow).toBe('GET, HEAD');
      expect(response.json().code).toBe('METHOD_NOT_ALLOWED');
    });

    test('a database that is away is 503, to be tried again', async () => {
      rows.overview = new WattstreamError('QUERY_FAILED', 'The database does not answer', {
        canRetry: true,
        remedy: 'look',
      });
      const response = await get('/api/analytics/queries/overview');
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('2');
      expect(response.json()).toMatchObject({ code: 'QUERY_FAILED', remedy: 'look' });
    });

    test('a defect of ours tells nothing of our inside', async () => {
      rows.overview = new TypeError('secret of /home/somebody');
      const response = await get('/api/analytics/queries/overview');
      expect(response.statusCode).toBe(500);
      expect(response.json().code).toBe('INTERNAL');
      expect(response.body).not.toContain('secret');
    });

    test('a row that is not as promised is a defect, not a wrong answer', async () => {
      rows.chargers = [{ charge_point_id: 'CP-1' }];
      expect((await get('/api/charger/CP-1')).json()).toMatchObject({ status: 500, code: 'INTERNAL' });
    });

    test("a caller's request id is kept when it is fit for a log line", async () => {
      expect((await get('/nowhere', { 'x-request-id': 'trace-1' })).json().requestId).toBe('trace-1');
      expect((await get('/nowhere', { 'x-request-id': 'a b' })).json().requestId).not.toBe('a b');
    });
  });

  describe('chargers', () => {
    test('a page of them, and where the next one begins', async () => {
      rows.chargers = ['CP-1', 'CP-2', 'CP-3'].map((id) => ({ ...charger, charge_point_id: id }));
      const body = (await get('/api/charger?limit=2&connected=true&after=CP-0')).json();
      expect(body.chargers.map((one: { chargePointId: string }) => one.chargePointId)).toEqual([
        'CP-1',
        'CP-2',
      ]);
      expect(body.next).toBe('CP-2');
      expect(asked[0]!.params).toMatchObject({ connected: 'true', after: 'CP-0', limit: 3 });
    });

    test('one of them', async () => {
      rows.chargers = [charger];
      expect((await get('/api/charger/CP%2F1')).json()).toEqual({
        chargePointId: 'CP-1',
        connected: true,
        protocol: 'ocpp1.6',
        gateway: 'g1',
        address: '10.0.0.1',
        lastSeenAt: '2026-11-23T11:59:20.000Z',
        connectors: [
          {
            evseId: 0,
            connectorId: 1,
            status: 'Charging',
            errorCode: '',
            vendorCode: '',
            since: '2026-11-23T11:00:00.000Z',
          },
        ],
        activeSessions: [
          {
            sessionId: '00000000-0000-5000-8000-000000000001',
            evseId: null,
            connectorId: 1,
            transactionId: '101',
            startedAt: '2026-11-23T11:00:00.000Z',
            energyWh: 12.5,
          },
        ],
      });
      expect(asked[0]!.params).toMatchObject({ charge_point_id: 'CP/1' });
    });

    test('its frames, page by page', async () => {
      const frame = {
        epoch: 1,
        partition: 3,
        offset: 9,
        received_at: '2026-11-23T11:59:20.000Z',
        direction: 'in',
        protocol: 'ocpp1.6',
        action: 'Heartbeat',
        message_id: 'm',
        frame: '[2,"m","Heartbeat",{}]',
        answer: '',
        properties: { some_key: 'as it is' },
        cursor: '1_3_9',
      };
      rows['frames-of-charge-point'] = [frame, { ...frame, offset: 8, cursor: '1_3_8' }];
      const body = (await get('/api/charger/CP-1/frames?limit=1&cursor=1_3_10')).json();
      expect(body.next).toBe('1_3_9');
      expect(body.frames).toEqual([
        expect.objectContaining({
          offset: 9,
          receivedAt: '2026-11-23T11:59:20.000Z',
          properties: { some_key: 'as it is' },
        }),
      ]);
      expect(asked[0]!.params).toMatchObject({ charge_point_id: 'CP-1', limit: 2, cursor: '1_3_10' });
    });
  });

  describe('what was asked of one charger', () => {
    const id = '00000000-0000-5000-8000-000000000001';
    const command = {
      command_id: id,
      charge_point_id: 'CP-1',
      action: 'Reset',
      operation: 'reset',
      actor: 'eve',
      protocol: 'ocpp1.6',
      status: 'timed-out',
      requested_at: 't',
      kept_at: null,
      released_at: null,
      sent_at: 't',
      ended_at: 't',
      duration_ms: 30_000,
      deadline: 't',
      queue_until: null,
      charger_status: '',
      error_code: '',
      error: 'silence',
      delivery: 'delivery-unknown',
      gateway: 'g1',
      cursor: `17_${id}`,
    };

    test('commands, page by page', async () => {
      rows.commands = [command, { ...command, cursor: `16_${id}` }];
      const body = (await get('/api/charger/CP%2F1/commands?limit=1&status=timed-out&from=-24h')).json();
      expect(body).toMatchObject({
        commands: [{ commandId: id, durationMs: 30_000, delivery: 'delivery-unknown', keptAt: null }],
        next: `17_${id}`,
      });
      expect(asked[0]?.params).toMatchObject({ charge_point_id: 'CP/1', status: 'timed-out', limit: 2 });
      expect((await get('/api/charger/CP-1/commands?status=gone')).statusCode).toBe(400);
      expect((await get('/api/charger/CP-1/commands?limit=0')).statusCode).toBe(400);
    });

    test('charging profiles: the schedule is what was sent, its names left alone', async () => {
      rows['charging-profiles'] = [
        {
          charge_point_id: 'CP-1',
          connector_id: 1,
          evse_id: null,
          profile_id: 4,
          stack_level: 0,
          purpose: 'TxDefaultProfile',
          kind: 'Absolute',
          recurrency: '',
          valid_from: null,
          valid_to: null,
          transaction_id: '',
          schedule: '{"chargingRateUnit":"A","vendor_thing":1}',
          set_at: 't',
          state: 'active',
          ended_at: null,
          command_id: id,
          actor: 'eve',
        },
      ];
      expect((await get('/api/charger/CP-1/charging-profiles?state=active&outlet=1')).json()).toMatchObject({
        chargingProfiles: [{ profileId: 4, schedule: { chargingRateUnit: 'A', vendor_thing: 1 } }],
      });
      expect(asked[0]?.params).toMatchObject({ charge_point_id: 'CP-1', state: 'active', outlet: '1' });
    });

    test('reservations and jobs', async () => {
      rows.jobs = [
        {
          command_id: id,
          kind: 'log',
          action: 'GetLog',
          request_id: 1,
          actor: 'eve',
          requested_at: 't',
          command_status: 'accepted',
          charger_status: 'Accepted',
          state: 'running',
          status: 'Uploading',
          status_at: 't',
          reports: [{ at: 't', status: 'Uploading' }],
          file: 'a.log',
        },
      ];
      expect((await get('/api/charger/CP-1/reservations')).json()).toEqual({ reservations: [] });
      expect((await get('/api/charger/CP-1/jobs?kind=log')).json()).toMatchObject({
        jobs: [{ commandId: id, requestId: 1, reports: [{ status: 'Uploading' }] }],
      });
      expect((await get('/api/charger/CP-1/jobs?kind=coffee')).statusCode).toBe(400);
    });

    test('a charger that was never sent a local list has none', async () => {
      expect((await get('/api/charger/CP-1/local-list')).json()).toMatchObject({
        chargePointId: 'CP-1',
        version: null,
        reportedVersion: null,
      });
    });

    test('that the tables are away is 503', async () => {
      rows.commands = new WattstreamError('QUERY_FAILED', 'away', { canRetry: true });
      expect((await get('/api/charger/CP-1/commands')).statusCode).toBe(503);
    });
  });

  describe('the log', () => {
    const checkpoint = {
      generation: 1,
      active: true,
      epoch: 1,
      partition: 0,
      next_offset: 30,
      taken_at: 't',
      age_s: 4,
    };

    test('how far the tables are behind it', async () => {
      rows.checkpoints = [checkpoint];
      bounds = async () => [
        { partition: 1, first: undefined, last: undefined },
        { partition: 0, first: 0, last: 40 },
      ];
      rows['event-positions'] = [
        { stream: 'charging.events.log', epoch: 1, offset: 5, hash: 'x', stored_at: 't', age_s: 2 },
      ];
      expect((await get('/api/ops/streams')).json()).toEqual({
        events: [
          {
            stream: 'charging.events.log',
            firstOffset: 0,
            lastOffset: 7,
            storedOffset: 5,
            storedAt: 't',
            storedAgeSeconds: 2,
            state: 'behind',
            behind: 2,
          },
        ],
        behind: 11,
        partitions: [
          {
            partition: 0,
            firstOffset: 0,
            lastOffset: 40,
            nextOffset: 30,
            checkpointAt: 't',
            checkpointAgeSeconds: 4,
            state: 'behind',
            behind: 11,
          },
          {
            partition: 1,
            firstOffset: null,
            lastOffset: null,
            nextOffset: null,
            checkpointAt: null,
            checkpointAgeSeconds: null,
            state: 'empty',
            behind: 0,
          },
        ],
      });
    });

    test('a stream of events that does not answer is unknown, and no reason to keep silent about the rest', async () => {
      eventBounds = () => Promise.reject(new Error('connection refused'));
      expect((await get('/api/ops/streams')).json()).toMatchObject({
        partitions: [],
        events: [{ state: 'unknown', lastOffset: null, behind: 0 }],
      });
    });

    test('that it is away is 503, whatever was thrown', async () => {
      bounds = () => Promise.reject(new Error('connection refused'));
      const response = await get('/api/ops/streams');
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ code: 'LOG_UNREACHABLE' });
    });
  });

  describe('the process', () => {
    test('live, ready or why not, metrics by route', async () => {
      expect((await get('/health/live')).json()).toEqual({ status: 'live' });
      expect((await get('/health/ready')).statusCode).toBe(200);
      notReady = 'the database does not answer';
      const response = await get('/health/ready');
      expect(response.statusCode).toBe(503);
      expect(response.json()).toEqual({ status: 'not-ready', reason: notReady });
      await get('/api/charger/CP-1');
      expect((await get('/metrics')).body).toContain('route="/api/charger/:id",status="404"');
    });
  });

  describe('for people', () => {
    test('the landing page loads nothing from elsewhere and is told not to', async () => {
      const response = await get('/');
      expect(response.headers['content-type']).toContain('text/html');
      expect(response.headers['content-security-policy']).toContain("default-src 'self'");
      expect(response.body).not.toMatch(/(src|href)="(https?:)?\/\//);
      for (const [, path] of response.body.matchAll(/(?:src|href)="(\/[^"]*)"/g))
        if (!path!.startsWith('/docs'))
          expect({ path, status: (await get(path!)).statusCode }).toEqual({ path, status: 200 });
    });

    test('events have a page and a document of their own', async () => {
      expect((await get('/docs/events')).body).toContain('session.updated');
      expect((await get('/docs/events.json')).json()).toMatchObject({ asyncapi: '3.0.0' });
    });

    test('it is not sent again when it has not changed', async () => {
      const { etag } = (await get('/')).headers;
      expect((await get('/', { 'if-none-match': etag! })).statusCode).toBe(304);
    });

    test('the OpenAPI document describes every route with its parameters and how it fails', async () => {
      const document = JSON.parse(JSON.stringify(app.swagger()));
      expect(Object.keys(document.paths).sort()).toEqual(
        [
          '/api/analytics/queries',
          ...QUERIES.map(({ name }) => `/api/analytics/queries/${name}`),
          '/api/charger',
          '/api/charger/{id}',
          '/api/charger/{id}/charging-profiles',
          '/api/charger/{id}/commands',
          '/api/charger/{id}/frames',
          '/api/charger/{id}/jobs',
          '/api/charger/{id}/local-list',
          '/api/charger/{id}/reservations',
          '/api/ops/streams',
        ].sort(),
      );
      const { get: sessions } = document.paths['/api/analytics/queries/sessions'];
      expect(sessions.parameters.map(({ name }: { name: string }) => name)).toContain('charge_point_id');
      expect(sessions.responses.default.content['application/problem+json'].schema).toMatchObject({
        $ref: '#/components/schemas/Problem',
      });
      expect(document.components.schemas.Problem.properties.code).toMatchObject({ type: 'string' });
    });
  });
});
