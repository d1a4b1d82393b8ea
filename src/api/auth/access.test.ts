/** Who gets where. Without these a new route, or a changed one, could stand open unnoticed. */
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { type Ask, listening } from '../../../test/http.js';
import { SECRET, wholeApi } from '../../../test/whole-api.js';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { examples } from '../../domain/registry/testing/examples.js';
import { hashPersonsPassword } from '../../registry/people.js';
import type { RegistryStore } from '../../registry/store.js';
import { type Access, refuseForeignNames } from './access.js';
import { type Authentication, NO_AUTHENTICATION } from './authenticator.js';
import { signToken } from './jwt.js';
import { ROLES, type Role } from './principal.js';

jest.setTimeout(180_000);

const token = (role: Role, stations?: string[]) =>
  signToken(
    SECRET,
    { role, subject: `some-${role}`, minutes: 5, account: 'ac-9', ...(stations ? { stations } : {}) },
    Date.now(),
  );

/** Nobody is asked anything behind the routes: what is walked is who gets as far as that. */
async function build(authentication?: Authentication) {
  const { app, routes, store } = await wholeApi({
    ...(authentication === undefined ? {} : { authentication }),
    stationOf: (id) => (id === 'CP-1' ? 'st-1' : undefined),
  });
  const each = routes.flatMap(({ method, url, config }) =>
    [method].flat().map((one): Route => ({ method: one, url, access: config?.access })),
  );
  return { app, routes: each, store, get: await listening(app) };
}

interface Route {
  method: string;
  url: string;
  access: Access | undefined;
}

/** An address of a route: parameters filled in, CP-1 for a charge point. */
const addressOf = (url: string): string => url.replace(/:\w+/g, 'CP-1').replace('*', 'x');

describe('with authentication required', () => {
  let app: FastifyInstance;
  let routes: Route[];
  let get: Ask;
  let store: RegistryStore;
  beforeEach(async () => {
    ({ app, routes, get, store } = await build());
  });
  afterEach(() => app.close());

  const ask = async ({ method, url }: Route, bearer?: string) =>
    get(addressOf(url), bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }, method);

  test('every route says who may call it, and nothing of the API is for anyone', () => {
    expect(routes.length).toBeGreaterThan(30);
    expect(routes.filter(({ access }) => access === undefined)).toEqual([]);
    const open = routes.filter(({ url, access }) => url.startsWith('/api/') && access?.roles === 'anyone');
    // What they take proves who is asking: a password, a refresh token.
    expect(open.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/auth/login',
      'POST /api/auth/refresh',
      'POST /api/auth/logout',
    ]);
  });

  test('nobody changes anything as an analyst or a stranger', () => {
    // Of one's own login and keys: everybody's.
    const changing = routes.filter(
      ({ method, url }) => !['GET', 'HEAD', 'OPTIONS'].includes(method) && !url.startsWith('/api/auth/'),
    );
    for (const { access } of changing) {
      expect(access?.roles).not.toBe('anyone');
      expect(access?.roles).not.toContain('analyst');
    }
  });

  test('what customers do is for customers alone: nobody else has an account to do it for', () => {
    const own = routes.filter(({ url }) => url.startsWith('/api/user/'));
    expect(own.length).toBeGreaterThan(7);
    for (const { access } of own) expect(access?.roles).toEqual(['customer']);
  });

  test.each(['tokens that stand for themselves', 'logins', 'keys of programs'] as const)(
    'every route admits the roles it names, and no other, and none without a token: %s',
    async (proof) => {
      const tokens = new Map<Role, string>();
      for (const role of ROLES)
        tokens.set(
          role,
          proof === 'tokens that stand for themselves' ? await token(role) : await proven(proof, role),
        );
      for (const route of routes) {
        const open = route.access?.roles === 'anyone';
        const stranger = await ask(route);
        expect({ ...route, stranger: stranger.statusCode === 401 }).toEqual({ ...route, stranger: !open });
        for (const role of ROLES) {
          const { statusCode } = await ask(route, tokens.get(role));
          const admitted = open || (route.access as Access).roles.includes(role as never);
          expect({ ...route, role, admitted: statusCode !== 403 && statusCode !== 401 }).toEqual({
            ...route,
            role,
            admitted,
          });
        }
      }
    },
  );

  /** By a real login, over the wire; the key is made with it. */
  async function proven(proof: 'logins' | 'keys of programs', role: Role): Promise<string> {
    const { port } = app.server.address() as AddressInfo;
    const post = async (path: string, body: unknown, headers = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close', ...headers },
        body: JSON.stringify(body),
      });
      return (await response.json()) as Record<string, string>;
    };
    const [id, email, password] = [`ac-${role}`, `${role}@example.com`, 'correct horse battery'];
    const passwordHash = await hashPersonsPassword(password);
    const state = { id, role, name: role, email, passwordHash, disabled: false };
    await store.propose({ kind: 'account', id, change: 'created', state, actor: 'test' });
    const { accessToken = '' } = await post('/api/auth/login', { email, password });
    if (proof === 'logins') return accessToken;
    const { key = '' } = await post(
      '/api/auth/keys',
      { name: role },
      { authorization: `Bearer ${accessToken}` },
    );
    return key;
  }

  test('somebody restricted to stations gets to the chargers there, and to nothing of all stations', async () => {
    const here = await token('operator', ['st-1']);
    const elsewhere = await token('operator', ['st-2']);
    for (const route of routes.filter(({ access }) => access?.roles !== 'anyone')) {
      const { restricted = 'refused' } = route.access as Access;
      if (!(route.access as Access).roles.includes('operator' as never)) continue;
      const of = async (bearer: string) => (await ask(route, bearer)).statusCode !== 403;
      expect({ ...route, here: await of(here), elsewhere: await of(elsewhere) }).toEqual({
        ...route,
        here: restricted !== 'refused',
        elsewhere: restricted === 'admitted',
      });
    }
    // Not known to be anywhere is not here.
    const { statusCode } = await get('/api/charger/CP-9', { authorization: `Bearer ${here}` });
    expect(statusCode).toBe(403);
  });

  /** By the parameter that names it: theirs, another's, and one that nobody has. */
  const NAMED: Record<string, [string, string, string]> = {
    stationId: ['st-1', 'st-2', 'st-9'],
    chargingPointId: ['CP-1', 'CP-2', 'CP-9'],
    outageId: ['out-1', 'out-2', 'out-9'],
    id: ['CP-1', 'CP-2', 'CP-9'],
  };
  /** Of nobody's station: an own key, a price that everybody may read, a command by an id that cannot be guessed. */
  const OF_NO_STATION = [
    'DELETE /api/auth/keys/:keyId',
    'GET /api/cms/tariffs/:tariffId',
    'GET /api/cms/tariffs/:tariffId/history',
    'GET /api/cms/tariffs/:tariffId/versions/:version',
    'GET /api/charger/commands/:id',
  ];

  test("restricted to stations: every route that names something has theirs, and another's is as if it were not there", async () => {
    await fillTwoStations();
    const bearer = await token('operator', ['st-1']);
    const named = routes.filter(
      ({ method, url, access }) =>
        method !== 'HEAD' &&
        url.includes('/:') &&
        (access as Access).roles.includes('operator' as never) &&
        ((access as Access).restricted ?? 'refused') !== 'refused',
    );
    const ofNone = named.filter(({ method, url }) => OF_NO_STATION.includes(`${method} ${url}`));
    expect(ofNone).toHaveLength(OF_NO_STATION.length);
    const before = JSON.stringify([...store.replica.state.entities.station]);
    for (const route of named.filter((one) => !ofNone.includes(one))) {
      const { method, url } = route;
      const param = /:(\w+)/.exec(url)?.[1] ?? '';
      expect(NAMED).toHaveProperty(param);
      const [theirs, others, nobodys] = NAMED[param] as [string, string, string];
      const answer = async (id: string) => {
        const place = url.replace(`:${param}`, id).replace(':version', '1');
        const headers = {
          authorization: `Bearer ${bearer}`,
          ...(method === 'GET' ? {} : { 'if-match': '"7"' }),
        };
        const { statusCode, body } = await get(place, headers, method);
        const { requestId: _, ...facts } = JSON.parse(body === '' ? '{}' : body);
        return { statusCode, facts: JSON.stringify(facts).replaceAll(id, '<id>') };
      };
      // The handler narrows what there is; or the guard, which asks where a charge point stands.
      const isCms = (route.access as Access).restricted === 'admitted';
      const own = await answer(theirs);
      // 404: no charger has ever connected here. 412: it is there, in another version.
      const expected = isCms ? [method === 'GET' ? 200 : 412] : [200, 404];
      expect({ method, url, own: expected.includes(own.statusCode) }).toEqual({ method, url, own: true });
      const other = await answer(others);
      expect({ method, url, other: other.statusCode }).toEqual({ method, url, other: isCms ? 404 : 403 });
      expect(await answer(nobodys)).toEqual(other);
    }
    expect(JSON.stringify([...store.replica.state.entities.station])).toBe(before);
  });

  async function fillTwoStations(): Promise<void> {
    const { station, tariff, point, outage } = examples;
    const make = (kind: EntityKind, state: { id: string }) =>
      store.propose({ kind, id: state.id, change: 'created', state: state as never, actor: 'test' });
    await make('tariff', tariff);
    for (const n of ['1', '2']) {
      const [evse] = point.evses;
      const { certificateCommonName: _, ...plain } = point;
      await make('station', { ...station, id: `st-${n}` });
      await make('point', {
        ...plain,
        id: `CP-${n}`,
        station: `st-${n}`,
        evses: [{ ...evse, evse_id: `NL*WAT*E${n}` }],
      } as never);
      await make('outage', { ...outage, id: `out-${n}`, point: `CP-${n}` } as never);
    }
  }

  test('refusals are problems with a code, and name the scheme', async () => {
    const nothing = await get('/api/charger');
    expect(nothing.json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(nothing.headers['www-authenticate']).toBe('Bearer realm="wattstream"');
    const nonsense = await get('/api/charger', { authorization: 'Bearer nonsense' });
    expect(nonsense.json()).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
    expect(nonsense.headers['www-authenticate']).toContain('error="invalid_token"');
    const customer = await get('/api/charger', { authorization: `Bearer ${await token('customer')}` });
    expect(customer.json()).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  });

  test('health and metrics need no token', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics'])
      expect((await get(path)).statusCode).toBe(200);
  });
});

test('a route that forgot to say is refused to everybody', async () => {
  const { app } = await build();
  await app.close();
  const { admit } = await import('./access.js');
  expect(() =>
    admit({ id: 'a', role: 'admin', stations: null }, undefined, { stationOf: () => undefined }),
  ).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
});

describe('with authentication off', () => {
  test('everybody is admitted, as long as they call us by a name that is ours', async () => {
    const { app, get } = await build(NO_AUTHENTICATION);
    try {
      expect((await get('/api/charger')).statusCode).toBe(200);
    } finally {
      await app.close();
    }
  });

  test.each([
    '127.0.0.1:8080',
    'localhost',
    'LOCALHOST:8080',
    '[::1]:8080',
    '10.1.2.3',
    'app.localhost',
    'api.lan',
  ])('%s is answered', (host) => expect(() => refuseForeignNames(host, ['api.lan'])).not.toThrow());
  test.each(['evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', '', undefined])(
    'a name of somebody else is not: %s (a page that had its own name point to us)',
    (host) =>
      expect(() => refuseForeignNames(host, [])).toThrow(
        expect.objectContaining({ code: 'HOST_NOT_ALLOWED' }),
      ),
  );
});
