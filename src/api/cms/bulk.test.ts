/** Import and export over HTTP, on the real store; only the broker under it is in memory. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type House, openHouse } from '../../../test/house.js';
import { WattstreamError } from '../../platform/errors.js';
import { RESOURCES } from './resources.js';

let house: House;
let bearer: string;
beforeEach(async () => {
  house = await openHouse({ imports: { bytes: 64 * 1024, items: 300 } });
  await house.account('admin');
  bearer = (await house.login('ac-admin@example.com')).json().accessToken;
});
afterEach(() => house.close());

const ask = (method: string, path: string, body?: unknown, headers = {}) =>
  house.say(method, `/api/cms/${path}`, { bearer, body, headers });
const send = (path: string, file: string | unknown[], headers = {}) =>
  ask('POST', `import/${path}`, file, {
    ...(typeof file === 'string' ? { 'content-type': 'text/csv' } : {}),
    ...headers,
  });
/** What the examples need of each other, in that order. */
const ORDER = ['stations', 'tariffs', 'accounts', 'points', 'tokens', 'outages'];
const example = (path: string) => structuredClone(RESOURCES.find((one) => one.path === path)?.example ?? {});
const fill = async () => {
  for (const path of ORDER) expect(await ask('POST', path, example(path))).toMatchObject({ statusCode: 201 });
};
const changes = () => house.log.records.length;

describe('export', () => {
  test.each([
    ['export/stations', undefined, 'application/json'],
    ['export/stations', 'text/csv', 'text/csv'],
    ['export/stations?format=csv', 'application/json', 'text/csv'],
    ['export/stations?format=json', 'text/csv', 'application/json'],
  ])('%s, Accept: %s, comes as %s', async (path, accept, type) => {
    await ask('POST', 'stations', example('stations'));
    const { headers, body } = await ask('GET', path, undefined, accept === undefined ? {} : { accept });
    expect(headers).toMatchObject({
      'content-type': expect.stringContaining(type),
      'content-disposition': expect.stringContaining('attachment; filename="stations.'),
      vary: 'accept',
    });
    expect(body).toContain('Rotterdam');
  });

  test('a charging point takes a line per connector, its own columns in each; semicolons where they are asked for', async () => {
    await fill();
    const [evse] = (example('points') as { evses: [{ connectors: object[] }] }).evses;
    const two = [evse.connectors[0], { ...evse.connectors[0], connectorId: 2 }];
    const point = { ...example('points'), evses: [{ ...evse, connectors: two }] };
    await ask('PUT', 'points/CP-1', point, { 'if-match': '*' });
    const { body } = await ask('GET', 'export/points?format=csv&separator=semicolon');
    const [header = '', ...lines] = body.split('\r\n');
    expect(header.startsWith('id;station;')).toBe(true);
    expect(header).not.toMatch(/password;|passwordHash/);
    expect(lines).toEqual([
      expect.stringMatching(/^CP-1;st-1;.*;1;;IEC_62196_T2;.*;2;.*;true$/),
      expect.stringMatching(/^CP-1;st-1;.*;2;;IEC_62196_T2;.*;2;.*;true$/),
      '',
    ]);
    expect(body).not.toContain('scrypt');
  });

  test('nothing of a kind is a header', async () => {
    expect((await ask('GET', 'export/tokens?format=csv')).body.trim().split('\r\n')).toHaveLength(1);
  });
});

describe('import', () => {
  test.each(['csv', 'json'])(
    'what is exported as %s can be imported, and changes nothing',
    async (format) => {
      await fill();
      const before = changes();
      for (const path of ORDER) {
        const exported = await ask('GET', `export/${path}?format=${format}`);
        const answer = await send(path, format === 'csv' ? exported.body : exported.json());
        expect(answer.json().totals).toMatchObject({ created: 0, updated: 0, failed: 0 });
        expect(answer.json().results).toContainEqual(expect.objectContaining({ outcome: 'unchanged' }));
      }
      expect(changes()).toBe(before);
    },
  );

  const HEADER = 'id,address,city,country,coordinates.latitude,coordinates.longitude,time_zone';
  const row = (id: string, city = 'Delft', country = 'NLD') =>
    `${id},Kade 1,${city},${country},51.92250,4.47917,Europe/Amsterdam`;

  test('each line gets an outcome; what is wrong is told by line, column and code, and stops no other', async () => {
    const file = [HEADER, row('a'), row('b', 'Delft', 'nl'), '', row('', 'Delft'), row('c,x'), row('d')].join(
      '\n',
    );
    const answer = (await send('stations', file)).json();
    expect(answer).toEqual({
      dryRun: false,
      results: [
        { index: 0, line: 2, id: 'a', outcome: 'created', version: 1 },
        {
          index: 1,
          line: 3,
          id: 'b',
          outcome: 'failed',
          code: 'REQUEST_INVALID',
          detail: expect.any(String),
          errors: [{ line: 3, column: 'country', field: 'country', message: expect.any(String) }],
        },
        {
          index: 2,
          line: 5,
          id: null,
          outcome: 'failed',
          code: 'REQUEST_INVALID',
          detail: expect.any(String),
        },
        {
          index: 3,
          line: 6,
          id: 'c',
          outcome: 'failed',
          code: 'REQUEST_INVALID',
          detail: expect.any(String),
          errors: [expect.objectContaining({ line: 6 })],
        },
        { index: 4, line: 7, id: 'd', outcome: 'created', version: 1 },
      ],
      totals: { created: 2, updated: 0, unchanged: 0, failed: 3 },
    });
    const again = await send('stations', [HEADER, row('a', 'Leiden'), row('d')].join('\r\n'));
    expect(again.json().results).toMatchObject([
      { outcome: 'updated', version: 2 },
      { outcome: 'unchanged' },
    ]);
  });

  test('what became of it as a file beside the one that was sent', async () => {
    const file = [HEADER, row('a'), row('b', '', 'nl')].join('\n');
    const { headers, body } = await send('stations', file, { accept: 'text/csv' });
    expect(headers['content-type']).toContain('text/csv');
    const lines = body.trim().split('\r\n');
    expect(lines[0]).toBe('line,id,outcome,version,code,column,field,detail');
    expect(lines[2]).toContain('is missing');
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 7).join())).toEqual([
      '2,a,created,1,,,',
      '3,b,failed,,REQUEST_INVALID,city,city',
      '3,b,failed,,REQUEST_INVALID,country,country',
    ]);
  });

  test('what cannot be read as a whole changes nothing: an unknown column, a quote that never ends', async () => {
    const before = changes();
    expect((await send('stations', `${HEADER},colour\n${row('a')},red`)).json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining('postal_code'),
      errors: [{ field: 'colour', line: 1 }],
    });
    expect(await send('stations', `${HEADER}\n${row('a')}\n"b`)).toMatchObject({ statusCode: 400 });
    expect(await send('stations', '')).toMatchObject({ statusCode: 400 });
    expect(changes()).toBe(before);
  });

  test('a file has so many bytes and entities at most; a longer one changes nothing', async () => {
    const before = changes();
    const many = Array.from({ length: 301 }, (_, index) => `st-${index}`);
    expect((await send('stations', ['id', ...many].join('\n'))).json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining('300'),
    });
    expect(await send('stations', many)).toMatchObject({ statusCode: 400 });
    const long = `id,name\na,${'x'.repeat(64 * 1024)}`;
    expect((await send('stations', long)).json()).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
    expect(changes()).toBe(before);
  });

  test('other routes take no files', async () => {
    expect(await ask('POST', 'stations', 'id\na', { 'content-type': 'text/csv' })).toMatchObject({
      statusCode: 415,
    });
  });

  test('a rehearsal says what the import then does, rules among the lines included, and changes nothing', async () => {
    await fill();
    const header =
      'id,station,securityProfile,evse.evseId,evse.evse_id,connector.connectorId,connector.standard,connector.format,connector.power_type,connector.max_electric_power';
    const point = (id: string, station: string, evse: string) =>
      `${id},${station},0,1,${evse},1,IEC_62196_T2,CABLE,DC,50000`;
    const file = [
      header,
      point('A', 'st-1', 'NL*WAT*E7'),
      point('B', 'st-1', 'NL*WAT*E7'),
      point('C', 'st-9', 'NL*WAT*E8'),
      point('CP-1', 'st-1', 'NL*WAT*E9'),
    ].join('\n');
    const before = changes();
    const rehearsed = (await send('points?dryRun=true', file)).json();
    expect(rehearsed).toMatchObject({
      dryRun: true,
      results: [
        { outcome: 'created' },
        {
          outcome: 'failed',
          code: 'REGISTRY_RULE',
          detail: expect.stringContaining('TAKEN'),
          errors: [{ line: 3, column: 'evse.evse_id' }],
        },
        { outcome: 'failed', errors: [{ line: 4, column: 'station' }] },
        { outcome: 'updated', version: 2 },
      ],
    });
    expect([changes(), house.store.replica.get('point', 'A')]).toEqual([before, undefined]);
    const done = (await send('points', file)).json();
    expect(done).toEqual({ ...rehearsed, dryRun: false });
  });

  test('with matchVersions nobody overwrites what somebody else has changed since the export', async () => {
    await ask('POST', 'stations', example('stations'));
    const { body: file } = await ask('GET', 'export/stations?format=csv');
    const json = (await ask('GET', 'export/stations')).json();
    await ask('PUT', 'stations/st-1', { ...example('stations'), name: 'Theirs' }, { 'if-match': '*' });
    const mine = file.replace('Harbour', 'Mine');
    for (const sent of [mine, [{ ...json[0], name: 'Mine' }]])
      expect((await send('stations?matchVersions=true', sent)).json().results).toMatchObject([
        { outcome: 'failed', code: 'PRECONDITION_FAILED' },
      ]);
    expect(house.store.replica.get('station', 'st-1')?.state.name).toBe('Theirs');
    expect((await send('stations', mine)).json().results).toMatchObject([{ outcome: 'updated' }]);
  });

  test('a password is taken and told to nobody; without its column it stays', async () => {
    await ask('POST', 'accounts', example('accounts'));
    const hash = () => house.store.replica.get('account', 'ac-1')?.state.passwordHash;
    const answer = await send('accounts', 'id,password\nac-1,correct horse battery\n');
    expect(answer.json().results).toMatchObject([{ outcome: 'updated' }]);
    expect(answer.body).not.toMatch(/horse|scrypt|sealed/);
    const given = hash();
    expect(given).toMatch(/^sealed\$/);
    await send('accounts', 'id,name\nac-1,Somebody else\n');
    expect(hash()).toBe(given);
    expect((await send('accounts', 'id,password\nac-1,short\n')).json().results).toMatchObject([
      { outcome: 'failed', errors: [{ line: 2, column: 'password' }] },
    ]);
  });

  test('when the registry does not answer, what follows is not tried one by one', async () => {
    const { stored } = house.publisher;
    const items = (count: number) =>
      [HEADER, ...Array.from({ length: count }, (_, index) => row(`st-${index}`))].join('\n');
    house.publisher.stored = () => {
      // As the store says it after WATTSTREAM_REGISTRY_WRITE_MS.
      throw new WattstreamError('REGISTRY_UNANSWERED', 'It did not come back.', { canRetry: true });
    };
    const { results } = (await send('stations', items(250))).json();
    house.publisher.stored = stored;
    const codes = results.map(({ code }: { code: string }) => code);
    expect(new Set(codes)).toEqual(new Set(['REGISTRY_UNANSWERED', 'NOT_TRIED']));
    expect(codes.at(-1)).toBe('NOT_TRIED');
    expect((await send('stations', items(250))).json().totals).toMatchObject({ created: 250 });
  });

  test('the template is a file that can be filled in, for those who may import', async () => {
    const { headers, body } = await ask('GET', 'import/points/template.csv?separator=semicolon');
    expect(headers['content-disposition']).toContain('points.csv');
    expect(body).toContain(';password;');
    await ask('POST', 'stations', example('stations'));
    await ask('POST', 'tariffs', example('tariffs'));
    expect((await send('points', body)).json().results).toMatchObject([{ outcome: 'created' }]);
  });
});
