/** The CMS of somebody who is restricted to stations: their part of it, and not a sign of the rest. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type House, openHouse } from '../../../test/house.js';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { examples } from '../../domain/registry/testing/examples.js';

let house: House;
let eve: string;
let admin: string;
const as = (bearer: string, method: string, path: string, body?: unknown, headers = {}) =>
  house.say(method, `/api/cms/${path}`, { bearer, body, headers });
const ask = (method: string, path: string, body?: unknown, headers: object = { 'if-match': '*' }) =>
  as(eve, method, path, body, headers);
const make = (kind: EntityKind, state: object, id = (state as { id: string }).id) =>
  house.store.propose({ kind, id, change: 'created', state: state as never, actor: 'test' });

const { certificateCommonName: _, passwordHash: __, ...bare } = examples.point;
const pointOf = (n: string, station: string, more: object = {}) => ({
  ...bare,
  id: `CP-${n}`,
  station,
  securityProfile: 0,
  evses: [{ ...bare.evses[0], evse_id: `NL*WAT*E${n}` }],
  ...more,
});
const stationOf = (n: string) => ({ ...examples.station, id: `st-${n}` });
const outageOf = (n: string, point: string) => ({ ...examples.outage, id: `out-${n}`, point });

beforeEach(async () => {
  house = await openHouse();
  await house.account('admin');
  await house.account('operator', { stations: ['st-1', 'st-3'] });
  admin = (await house.login('ac-admin@example.com')).json().accessToken;
  eve = (await house.login('ac-operator@example.com')).json().accessToken;
  await make('tariff', examples.tariff);
  for (const n of ['1', '2', '3']) {
    await make('station', stationOf(n));
    await make('point', pointOf(n, `st-${n}`));
    await make('outage', outageOf(n, `CP-${n}`));
  }
  house.publisher.notifications.length = 0;
});
afterEach(() => house.close());

const ids = (answer: { json(): Record<string, { id: string }[]> }, path: string) =>
  answer.json()[path]?.map(({ id }) => id);

describe('seen', () => {
  test('lists, filters and exports hold what is theirs', async () => {
    expect(ids(await ask('GET', 'stations'), 'stations')).toEqual(['st-1', 'st-3']);
    expect(ids(await ask('GET', 'points'), 'points')).toEqual(['CP-1', 'CP-3']);
    expect(ids(await ask('GET', 'outages'), 'outages')).toEqual(['out-1', 'out-3']);
    expect((await ask('GET', 'points?station=st-2')).json()).toEqual({ points: [], next: null });
    expect((await ask('GET', 'stations?search=st-2')).json()).toEqual({ stations: [], next: null });
    expect(ids(await ask('GET', 'tariffs'), 'tariffs')).toEqual(['day']);
    for (const format of ['json', 'csv']) {
      for (const path of ['stations', 'points', 'outages']) {
        const { body } = await ask('GET', `export/${path}?format=${format}`);
        expect(body).not.toMatch(/(st|CP|out)-2/);
        expect(body).toMatch(/(st|CP|out)-3/);
      }
    }
  });

  test("pages end where theirs end, and begin after nothing of another's", async () => {
    const first = (await ask('GET', 'stations?limit=1')).json();
    expect(first.stations).toMatchObject([{ id: 'st-1' }]);
    const second = (await ask('GET', `stations?limit=1&after=${first.next}`)).json();
    expect(second).toMatchObject({ stations: [{ id: 'st-3' }], next: null });
    const beginning = async (id: string) => {
      const { requestId: _, ...facts } = (
        await ask('GET', `stations?after=${Buffer.from(id).toString('base64url')}`)
      ).json();
      return facts;
    };
    expect(await beginning('st-2')).toMatchObject({ status: 400 });
    expect(await beginning('st-2')).toEqual(await beginning('st-9'));
  });

  test('a page goes on after what has been deleted, or has gone to another station, meanwhile', async () => {
    await make('point', pointOf('4', 'st-1'));
    const { next } = (await ask('GET', 'points?limit=1')).json();
    await as(admin, 'PUT', 'points/CP-1', pointOf('1', 'st-2'), { 'if-match': '*' });
    expect(ids(await ask('GET', `points?after=${next}`), 'points')).toEqual(['CP-3', 'CP-4']);
    const outages = (await ask('GET', 'outages?limit=1')).json();
    // Its point is elsewhere by now, and so is it.
    expect(outages.outages).toMatchObject([{ id: 'out-3' }]);
    await make('outage', outageOf('5', 'CP-4'));
    await ask('DELETE', 'outages/out-3');
    expect(
      ids(await ask('GET', `outages?after=${Buffer.from('out-3').toString('base64url')}`), 'outages'),
    ).toEqual(['out-5']);
  });

  test('of what has come to their station not what it was before; of what has left, nothing', async () => {
    await as(admin, 'PUT', 'points/CP-2', pointOf('2', 'st-1', { name: 'came' }), { 'if-match': '*' });
    const { versions } = (await ask('GET', 'points/CP-2/history')).json();
    expect(versions).toMatchObject([{ version: 2, state: { station: 'st-1' } }]);
    expect(JSON.stringify(versions)).not.toContain('st-2');
    expect(await ask('GET', 'points/CP-2/versions/1')).toMatchObject({ statusCode: 404 });
    await as(admin, 'PUT', 'points/CP-1', pointOf('1', 'st-2'), { 'if-match': '*' });
    for (const path of ['points/CP-1', 'points/CP-1/history', 'points/CP-1/versions/1'])
      expect(await ask('GET', path)).toMatchObject({ statusCode: 404 });
    // An admin sees all of it.
    expect((await as(admin, 'GET', 'points/CP-1/history')).json().versions).toHaveLength(2);
  });

  test('the history of what they have deleted stays theirs; made again elsewhere, it is gone', async () => {
    await ask('DELETE', 'outages/out-1');
    await ask('DELETE', 'points/CP-1');
    expect((await ask('GET', 'outages/out-1/history')).json().versions).toHaveLength(2);
    expect((await ask('GET', 'points/CP-1/history')).json().versions).toHaveLength(2);
    await ask('POST', 'points', pointOf('1', 'st-3'));
    expect((await ask('GET', 'points/CP-1/history')).json().versions).toHaveLength(3);
    await ask('DELETE', 'points/CP-1');
    await as(admin, 'POST', 'points', pointOf('1', 'st-2'));
    expect(await ask('GET', 'points/CP-1/history')).toMatchObject({ statusCode: 404 });
  });
});

describe('changed', () => {
  test('their stations are changed by them, and neither made nor deleted', async () => {
    const renamed = await ask('PUT', 'stations/st-1', { ...stationOf('1'), name: 'Mine' });
    expect(renamed).toMatchObject({ statusCode: 200 });
    expect((await ask('POST', 'stations', stationOf('4'))).json()).toMatchObject({
      status: 403,
      detail: expect.stringContaining('created for all stations'),
    });
    for (const id of ['st-1', 'st-2', 'st-9'])
      expect(await ask('DELETE', `stations/${id}`)).toMatchObject({ statusCode: 403 });
  });

  test('charging points are made, changed and deleted at their stations', async () => {
    expect(await ask('POST', 'points', pointOf('7', 'st-3'))).toMatchObject({ statusCode: 201 });
    expect(await ask('PUT', 'points/CP-7', pointOf('7', 'st-1'))).toMatchObject({ statusCode: 200 });
    expect(await ask('DELETE', 'points/CP-7')).toMatchObject({ statusCode: 204 });
  });

  test('none is made at, moved to or taken from another station, be there one or not', async () => {
    const refused = async (method: string, path: string, body: object) => {
      const { requestId: _, ...facts } = (await ask(method, path, body)).json();
      return facts;
    };
    for (const [method, path] of [
      ['POST', 'points'],
      ['PUT', 'points/CP-1'],
    ] as const) {
      const n = method === 'POST' ? '8' : '1';
      const there = await refused(method, path, pointOf(n, 'st-2'));
      expect(there).toMatchObject({ status: 403, code: 'STATION_FORBIDDEN', errors: [{ field: 'station' }] });
      expect(await refused(method, path, pointOf(n, 'st-9'))).toEqual(there);
    }
    expect(await ask('PUT', 'points/CP-2', pointOf('2', 'st-1'))).toMatchObject({ statusCode: 404 });
    const outage = await refused('POST', 'outages', outageOf('8', 'CP-2'));
    expect(outage).toMatchObject({ status: 403, code: 'STATION_FORBIDDEN' });
    expect(await refused('POST', 'outages', outageOf('8', 'CP-9'))).toEqual(outage);
    expect(await ask('PUT', 'outages/out-1', outageOf('1', 'CP-2'))).toMatchObject({ statusCode: 403 });
    expect(house.publisher.notifications).toEqual([]);
  });

  test('who pays at a charging point is not theirs to say: it would be anybody', async () => {
    await make('account', { id: 'ac-9', role: 'customer', name: 'Somebody', disabled: false });
    const paid = { account: 'ac-9' };
    expect((await ask('POST', 'points', pointOf('8', 'st-1', paid))).json()).toMatchObject({
      status: 403,
      errors: [{ field: 'account' }],
    });
    expect(await ask('PUT', 'points/CP-1', pointOf('1', 'st-1', paid))).toMatchObject({ statusCode: 403 });
    await as(admin, 'PUT', 'points/CP-1', pointOf('1', 'st-1', paid), { 'if-match': '*' });
    expect(await ask('PUT', 'points/CP-1', pointOf('1', 'st-1'))).toMatchObject({ statusCode: 403 });
    // And whose tokens a charger is given: they stand in its frames.
    const listed = await ask('PUT', 'points/CP-3', pointOf('3', 'st-3', { localList: 'all' }));
    expect(listed.json()).toMatchObject({ status: 403, errors: [{ field: 'localList' }] });
    const kept = pointOf('1', 'st-1', { ...paid, name: 'New' });
    expect(await ask('PUT', 'points/CP-1', kept)).toMatchObject({ statusCode: 200 });
    // Deleted and made again it would be without who pays.
    expect(await ask('DELETE', 'points/CP-1', undefined)).toMatchObject({ statusCode: 403 });
  });

  test('what is taken elsewhere is taken, and no more is said', async () => {
    const evses = [{ ...bare.evses[0], evse_id: 'NL*WAT*E2' }];
    const { status, errors, detail } = (await ask('POST', 'points', pointOf('8', 'st-1', { evses }))).json();
    expect({ status, errors }).toEqual({
      status: 422,
      errors: [{ field: 'evses.0.evse_id', message: 'something else has it' }],
    });
    expect(detail).not.toContain('CP-2');
  });

  test('prices are read and assigned, not changed; people are refused, with the reason', async () => {
    expect(await ask('GET', 'tariffs/day')).toMatchObject({ statusCode: 200 });
    for (const [method, path] of [
      ['POST', 'tariffs'],
      ['PUT', 'tariffs/day'],
      ['DELETE', 'tariffs/day'],
      ['POST', 'import/tariffs'],
    ] as const)
      expect((await ask(method, path, examples.tariff)).json()).toMatchObject({
        status: 403,
        detail: expect.stringContaining('for all stations'),
      });
    for (const path of ['tokens', 'tokens/04A2B3C4', 'export/tokens', 'import/tokens/template.csv'])
      expect((await ask('GET', path)).json()).toMatchObject({
        status: 403,
        detail: expect.stringContaining('belong to people'),
      });
    expect(await ask('GET', 'accounts')).toMatchObject({ statusCode: 403 });
  });

  test("an import changes what is theirs, and fails alike for another's and for nothing at all", async () => {
    const file = 'id,name\nst-1,A\nst-2,B\nst-9,C';
    const { results, totals } = (
      await ask('POST', 'import/stations', file, { 'content-type': 'text/csv' })
    ).json();
    expect(totals).toEqual({ created: 0, updated: 1, unchanged: 0, failed: 2 });
    const [, others, nobodys] = results.map(({ id, index, line, ...rest }: Record<string, unknown>) =>
      JSON.stringify(rest).replaceAll(/\b\d\b/g, ''),
    );
    expect(others).toBe(nobodys);
    const points = await ask('POST', 'import/points', [
      pointOf('1', 'st-1', { name: 'A' }),
      pointOf('2', 'st-1'),
      pointOf('3', 'st-2'),
      pointOf('8', 'st-1'),
    ]);
    expect(points.json().results).toMatchObject([
      { outcome: 'updated' },
      // The id is taken: that much cannot be hidden.
      { outcome: 'failed', code: 'CONFLICT' },
      { outcome: 'failed', code: 'STATION_FORBIDDEN' },
      { outcome: 'created' },
    ]);
    expect(house.store.replica.get('point', 'CP-2')?.state.station).toBe('st-2');
    expect(house.store.replica.get('station', 'st-2')?.state.name).toBe('Harbour');
  });
});

test("a program's key with stations is the same case, and narrower than its account", async () => {
  // One of them is none of the account's: the key is good for the other.
  const body = { name: 'p', stations: ['st-3', 'st-2'] };
  const narrow = (await house.say('POST', '/api/auth/keys', { bearer: eve, body })).json().key;
  expect(ids(await as(narrow, 'GET', 'points'), 'points')).toEqual(['CP-3']);
  expect(await as(narrow, 'GET', 'points/CP-1')).toMatchObject({ statusCode: 404 });
  expect(await as(narrow, 'POST', 'points', pointOf('8', 'st-1'))).toMatchObject({ statusCode: 403 });
  expect(await as(narrow, 'POST', 'points', pointOf('8', 'st-3'))).toMatchObject({ statusCode: 201 });
});

test('an analyst of some stations reads those', async () => {
  await house.account('analyst', { stations: ['st-2'] });
  const bearer = (await house.login('ac-analyst@example.com')).json().accessToken;
  expect(ids(await as(bearer, 'GET', 'points'), 'points')).toEqual(['CP-2']);
  expect(await as(bearer, 'DELETE', 'points/CP-2', undefined, { 'if-match': '*' })).toMatchObject({
    statusCode: 403,
  });
});
