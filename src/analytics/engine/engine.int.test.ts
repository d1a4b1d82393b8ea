import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type EmbeddedClickHouse,
  startEmbeddedClickHouse,
  temporaryFolder,
} from '../../../test/embedded-clickhouse.js';

/** The role itself, judged by the client that the rest of wattstream uses. */
const folder = temporaryFolder();
let role: EmbeddedClickHouse;
let client: ClickHouseClient;

beforeAll(async () => {
  role = await startEmbeddedClickHouse(folder.path);
  client = createClient({ url: role.url, log: { level: ClickHouseLogLevel.OFF } });
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS judged ENGINE = Atomic' });
}, 30_000);

afterAll(async () => {
  await client?.close();
  await role?.stop();
  folder.remove();
});

const rowsOf = async <Row>(query: string, options: object = {}): Promise<Row[]> =>
  (await client.query({ query, format: 'JSONEachRow', ...options })).json<Row>();
const ask = (path: string, init: RequestInit = {}) => fetch(`${role.url}${path}`, init);
const post = (body: NonNullable<RequestInit['body']>, path = '/', headers: Record<string, string> = {}) =>
  ask(path, { method: 'POST', body, headers });

describe('as a server', () => {
  test('answers pings and health checks', async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
    for (const path of ['/ping', '/', '/replicas_status']) {
      const answer = await ask(path);
      expect([answer.status, await answer.text()]).toEqual([200, 'Ok.\n']);
    }
    expect((await ask('/nosuch')).status).toBe(404);
    expect((await ask('/health/ready')).status).toBe(200);
  });

  test('says in headers what the result is', async () => {
    const answer = await post('SELECT 1 AS x FORMAT JSON', '/?query_id=mine');
    expect(answer.headers.get('x-clickhouse-format')).toBe('JSON');
    expect(answer.headers.get('content-type')).toMatch('application/json');
    expect(answer.headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(answer.headers.get('x-clickhouse-timezone')).toBeTruthy();
    expect(answer.headers.get('x-clickhouse-server-display-name')).toBeTruthy();
    expect(JSON.parse(answer.headers.get('x-clickhouse-summary')!)).toMatchObject({ read_rows: '1' });
  });

  test('a query in the address may only read', async () => {
    expect(await (await ask('/?query=SELECT%20number%20FROM%20numbers(3)')).text()).toBe('0\n1\n2\n');
    const refused = await ask(
      `/?query=${encodeURIComponent('CREATE TABLE judged.no (a Int8) ENGINE = Memory')}`,
    );
    expect(await refused.text()).toMatch(/^Code: 164\. DB::Exception: .*\(READONLY\)/);
  });

  test('serves what dashboards of processes read', async () => {
    const text = await (await ask('/metrics')).text();
    expect(text).toMatch(/wattstream_clickhouse_queries_total\{kind="select",user="default",code="0"\} \d+/);
    expect(text).toMatch(/process_resident_memory_bytes \d+/);
  });
});

describe('inserting', () => {
  beforeAll(async () => {
    await client.command({
      query: `CREATE TABLE judged.readings (id UInt64, name String, at DateTime64(3, 'UTC'), wh Nullable(Decimal(18, 3)), tags Array(String))
              ENGINE = MergeTree ORDER BY id`,
    });
  });

  test('objects, arrays, special characters and nulls come back as they went in', async () => {
    const rows = [
      { id: 1, name: `o'Brien "x"\t\n\\ ünï`, at: '2026-11-23 10:00:00.123', wh: '1.5', tags: ['a', "b'"] },
      { id: 2, name: '', at: '2026-11-23 10:00:01.000', wh: null, tags: [] },
    ];
    const result = await client.insert({ table: 'judged.readings', values: rows, format: 'JSONEachRow' });
    expect(result.summary).toMatchObject({ written_rows: '2' });
    const settings = {
      output_format_json_quote_decimals: 1,
      output_format_json_quote_64bit_integers: 0,
    } as const;
    expect(
      await rowsOf('SELECT * FROM judged.readings ORDER BY id', { clickhouse_settings: settings }),
    ).toEqual(rows);
  });

  test('a stream of many rows, compressed on the way', async () => {
    const packed = createClient({ url: role.url, compression: { request: true, response: true } });
    const rows = Readable.from(
      (function* () {
        for (let id = 1_000; id < 201_000; id++) yield [id, `n${id}`, '2026-01-01 00:00:00.000', '1.000', []];
      })(),
    );
    await packed.insert({ table: 'judged.readings', values: rows, format: 'JSONCompactEachRow' });
    const found = await packed.query({
      query: 'SELECT count() AS n, sum(id) AS s FROM judged.readings WHERE id >= 1000',
      format: 'JSONEachRow',
    });
    expect(await found.json()).toEqual([{ n: 200_000, s: (1_000 + 200_999) * 100_000 }]);
    await packed.close();
  }, 30_000);

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('a %s body, statement in the address', async (encoding, pack) => {
    await client.command({ query: 'TRUNCATE TABLE judged.readings' });
    const query = encodeURIComponent('INSERT INTO judged.readings (id, name) FORMAT TSV');
    const answer = await post(new Uint8Array(pack(Buffer.from('7\tseven\n8\teight\n'))), `/?query=${query}`, {
      'content-encoding': encoding,
    });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(await rowsOf('SELECT id, name FROM judged.readings ORDER BY id')).toEqual([
      { id: 7, name: 'seven' },
      { id: 8, name: 'eight' },
    ]);
  });

  test('a torn compressed body is an error and inserts nothing', async () => {
    await client.command({ query: 'TRUNCATE TABLE judged.readings' });
    const whole = gzipSync(Buffer.from('1\ta\n'.repeat(1_000)));
    const query = encodeURIComponent('INSERT INTO judged.readings (id, name) FORMAT TSV');
    const answer = await post(new Uint8Array(whole.subarray(0, whole.length - 12)), `/?query=${query}`, {
      'content-encoding': 'gzip',
    });
    expect(answer.status).toBe(400);
    expect(await rowsOf('SELECT count() AS n FROM judged.readings')).toEqual([{ n: 0 }]);
  });

  test('VALUES with expressions, inline data, INSERT SELECT and input()', async () => {
    await client.command({ query: 'TRUNCATE TABLE judged.readings' });
    const sent = [
      `INSERT INTO judged.readings (id, name) VALUES (1, 'a;b'), (2, concat('x', 'y'));`,
      `INSERT INTO judged.readings (id, name) FORMAT JSONEachRow {"id": 3, "name": "c"}`,
      `INSERT INTO judged.readings (id, name) SETTINGS async_insert = 0 FORMAT CSV\n4,"d\n;d"\n`,
      `INSERT INTO judged.readings (id, name) SELECT number + 5, 'e' FROM numbers(2)`,
      `INSERT INTO judged.readings (id, name) SELECT x, y FROM input('x UInt64, y String') FORMAT TSV\n7\tf\n`,
    ];
    for (const statement of sent) expect(await (await post(statement)).text()).toBe('');
    expect(
      (await rowsOf<{ name: string }>('SELECT name FROM judged.readings ORDER BY id')).map((row) => row.name),
    ).toEqual(['a;b', 'xy', 'c', 'd\n;d', 'e', 'e', 'f']);
  });

  test.each(['RowBinary', 'Native', 'Parquet', 'ArrowStream', 'JSONCompactEachRow', 'CSVWithNames', 'Avro'])(
    '%s: out and in again, byte for byte',
    async (format) => {
      const select = `SELECT toUInt64(number) AS id, concat('x\\n;\\0\\'', toString(number)) AS name FROM numbers(70000) ORDER BY number`;
      const out = Buffer.from(await (await post(`${select} FORMAT ${format}`)).arrayBuffer());
      await client.command({ query: 'TRUNCATE TABLE judged.readings' });
      const query = encodeURIComponent(`INSERT INTO judged.readings (id, name) FORMAT ${format}`);
      const answer = await post(new Uint8Array(out), `/?query=${query}`);
      expect(await answer.text()).toBe('');
      const sums = 'SELECT count() AS n, sum(cityHash64(id, name)) AS s FROM';
      expect(await rowsOf(`${sums} judged.readings`)).toEqual(await rowsOf(`${sums} (${select})`));
    },
  );

  test('rows that do not parse are an error with its place, and none of them stays', async () => {
    await client.command({ query: 'TRUNCATE TABLE judged.readings' });
    const rows = [{ id: 1 }, { id: 'x' }];
    const failing = client.insert({ table: 'judged.readings', values: rows, format: 'JSONEachRow' });
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^(26|27|6|72)$/) });
    expect(await rowsOf('SELECT count() AS n FROM judged.readings')).toEqual([{ n: 0 }]);
  });

  test('a client that breaks off in the middle inserts nothing', async () => {
    await client.command({ query: 'TRUNCATE TABLE judged.readings' });
    const left = new AbortController();
    const rows = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from('1\ta\n'.repeat(100_000)));
        await sleep(200);
        left.abort();
      },
    });
    const query = encodeURIComponent('INSERT INTO judged.readings (id, name) FORMAT TSV');
    const sending = ask(`/?query=${query}`, {
      method: 'POST',
      body: rows,
      duplex: 'half',
      signal: left.signal,
    } as never);
    await expect(sending).rejects.toThrow();
    await sleep(300);
    expect(await rowsOf('SELECT count() AS n FROM judged.readings')).toEqual([{ n: 0 }]);
  });
});

describe('parameters and settings', () => {
  test('values of every kind arrive as they are', async () => {
    const values = {
      text: `o'Brien \\ "q" \t\n{x:String} ; -- é`,
      list: ['a', `b'c`, '\\d'],
      number: 42,
      at: new Date('2026-11-23T10:00:00.123Z'),
      none: null,
      map: { k: 'v' },
      yes: true,
    };
    const [row] = await rowsOf(
      `SELECT {text:String} AS text, {list:Array(String)} AS list, {number:UInt8} AS number,
              toUnixTimestamp64Milli({at:DateTime64(3)}) AS at, {none:Nullable(String)} AS none,
              {map:Map(String, String)} AS map, {yes:Bool} AS yes`,
      { query_params: values },
    );
    expect(row).toEqual({ ...values, at: values.at.getTime() });
  });

  test('identifiers, and names that are missing', async () => {
    expect(
      await rowsOf('SELECT name FROM {db:Identifier}.{t:Identifier} WHERE name = {n:String}', {
        query_params: { db: 'system', t: 'databases', n: 'judged' },
      }),
    ).toEqual([{ name: 'judged' }]);
    await expect(rowsOf('SELECT {gone:String}')).rejects.toMatchObject({ code: '456' });
  });

  test('what one query sets the next does not have', async () => {
    const setting = `SELECT getSetting('max_block_size') AS v`;
    const own = await rowsOf<{ v: number }>(setting);
    expect(await rowsOf(setting, { clickhouse_settings: { max_block_size: '777' } })).toEqual([{ v: 777 }]);
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const odd = index % 2 === 1;
        const options = odd
          ? { clickhouse_settings: { max_block_size: '777' }, query_params: { p: 'secret' } }
          : {};
        const text = odd ? `${setting}, {p:String} AS p` : setting;
        expect(await rowsOf(text, options)).toEqual(odd ? [{ v: 777, p: 'secret' }] : own);
      }),
    );
    await expect(rowsOf('SELECT {p:String}')).rejects.toMatchObject({ code: '456' });
  });

  test('the database of a client is its current one; an unknown one is not found', async () => {
    const inside = createClient({ url: role.url, database: 'judged' });
    await inside.command({ query: 'CREATE TABLE here (a UInt8) ENGINE = Memory' });
    expect(await rowsOf(`SELECT database FROM system.tables WHERE name = 'here'`)).toEqual([
      { database: 'judged' },
    ]);
    await inside.close();
    const nowhere = await post('SELECT 1', '/?database=nowhere');
    expect([nowhere.status, nowhere.headers.get('x-clickhouse-exception-code')]).toEqual([404, '81']);
  });

  test('default_format and X-ClickHouse-Format', async () => {
    expect(await (await post('SELECT 1 AS a', '/?default_format=JSONEachRow')).text()).toBe('{"a":1}\n');
    expect(await (await post('SELECT 1 AS a', '/', { 'x-clickhouse-format': 'CSV' })).text()).toBe('1\n');
    expect(await (await post('SELECT 1 AS a')).text()).toBe('1\n');
  });
});

describe('sessions', () => {
  test('temporary tables and SET live as long as the session, and in it only', async () => {
    const first = createClient({ url: role.url, session_id: 'first' });
    await first.command({ query: 'CREATE TEMPORARY TABLE held (a UInt8)' });
    await first.insert({ table: 'held', values: [{ a: 5 }], format: 'JSONEachRow' });
    await first.command({ query: 'SET max_block_size = 1234' });
    const both = `SELECT a, getSetting('max_block_size') AS s FROM held`;
    const result = await first.query({
      query: both,
      format: 'JSONEachRow',
      clickhouse_settings: { max_block_size: '999' },
    });
    expect(await result.json()).toEqual([{ a: 5, s: 999 }]);
    const after = await first.query({ query: both, format: 'JSONEachRow' });
    expect(await after.json()).toEqual([{ a: 5, s: 1234 }]);
    await expect(rowsOf('SELECT * FROM held')).rejects.toMatchObject({ type: 'UNKNOWN_TABLE' });
    await first.close();
  });

  test('one query at a time; unknown ones are not found; they end', async () => {
    const long = post('SELECT sleep(1)', '/?session_id=busy');
    await sleep(200);
    const second = await post('SELECT 1', '/?session_id=busy');
    expect([second.status, second.headers.get('x-clickhouse-exception-code')]).toEqual([409, '373']);
    await long;
    expect((await post('SELECT 1', '/?session_id=new&session_check=1')).status).toBe(404);
    await post('CREATE TEMPORARY TABLE brief (a UInt8)', '/?session_id=brief&session_timeout=1');
    await sleep(1_300);
    expect((await post('SELECT * FROM brief', '/?session_id=brief')).status).toBe(404);
  });
});

describe('errors', () => {
  test.each([
    ['SELECT * FROM nosuch', 404, '60', 'UNKNOWN_TABLE'],
    ['SELECT nosuch', 404, '47', 'UNKNOWN_IDENTIFIER'],
    ['SELECT nosuch()', 404, '46', 'UNKNOWN_FUNCTION'],
    ['SELEC 1', 400, '62', 'SYNTAX_ERROR'],
    ['SELECT 1; SELECT 2', 400, '62', 'SYNTAX_ERROR'],
    ['', 400, '62', 'SYNTAX_ERROR'],
    ['SELECT 1 FORMAT Nosuch', 404, '73', 'UNKNOWN_FORMAT'],
    [`SELECT 1 INTO OUTFILE '/tmp/never'`, 500, '358', 'INTO_OUTFILE_NOT_ALLOWED'],
    ['SELECT throwIf(number = 50) FROM numbers(100)', 500, '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
    ['SELECT 1 SETTINGS nosuch = 1', 404, '115', 'UNKNOWN_SETTING'],
    [
      'SELECT count() FROM numbers(100000000000) SETTINGS max_execution_time = 1, max_threads = 1',
      408,
      '159',
      'TIMEOUT_EXCEEDED',
    ],
  ])('%s', async (statement, status, code, type) => {
    const answer = await post(statement);
    const text = await answer.text();
    expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([status, code]);
    expect(text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: .*\\(${type}\\)`, 's'));
  });

  test('the client sees code and type', async () => {
    await expect(rowsOf('SELECT * FROM nosuch')).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' });
  });

  test('in the middle of a result: the client throws, and nobody can take it for whole', async () => {
    const result = await client.query({
      query: 'SELECT number, throwIf(number = 3000000) FROM numbers(5000000)',
      format: 'JSONCompactEachRow',
      clickhouse_settings: { max_block_size: '10000' },
    });
    await expect(
      (async () => {
        for await (const _ of result.stream());
      })(),
    ).rejects.toMatchObject({ code: '395' });
    const raw = await post('SELECT number, throwIf(number = 3000000) FROM numbers(5000000)');
    await expect(raw.text()).rejects.toThrow();
    // Packed too: the connection is cut, it does not hang.
    const packed = await post(
      'SELECT number, throwIf(number = 3000000) FROM numbers(5000000)',
      '/?enable_http_compression=1',
      { 'accept-encoding': 'gzip' },
    );
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    await expect(packed.text()).rejects.toThrow();
  }, 30_000);
});

describe('large results', () => {
  test('5 million rows: whole, and within bounded memory', async () => {
    await rowsOf('SELECT 1');
    const before = role.rss();
    let most = 0;
    let rows = 0;
    let last = '';
    const result = await client.query({
      query: `SELECT number, toString(cityHash64(number)) AS h, repeat('x', 50) AS pad FROM numbers(5000000)`,
      format: 'JSONCompactEachRow',
    });
    for await (const batch of result.stream()) {
      rows += batch.length;
      last = batch.at(-1)!.text;
      if (rows % 7 === 0) most = Math.max(most, role.rss());
    }
    most = Math.max(most, role.rss());
    expect(rows).toBe(5_000_000);
    expect(last).toMatch(/^\["4999999"|^\[4999999/);
    // The result has 420 MB.
    expect(most - before).toBeLessThan(150e6);
  }, 120_000);

  test('compressed on the way', async () => {
    const answer = await new Promise<{ encoding: string; bytes: Buffer }>((resolve, reject) => {
      import('node:http').then(({ request }) => {
        const asking = request(
          `${role.url}/?enable_http_compression=1`,
          { method: 'POST', headers: { 'accept-encoding': 'gzip' } },
          async (response) => {
            const chunks: Buffer[] = [];
            for await (const chunk of response) chunks.push(chunk as Buffer);
            resolve({ encoding: String(response.headers['content-encoding']), bytes: Buffer.concat(chunks) });
          },
        );
        asking.on('error', reject);
        asking.end('SELECT number FROM numbers(200000)');
      }, reject);
    });
    expect(answer.encoding).toBe('gzip');
    const expected = Array.from({ length: 200_000 }, (_, index) => `${index}\n`).join('');
    expect(gunzipSync(answer.bytes).toString()).toBe(expected);
  });

  test('wait_end_of_query answers nothing of a query that fails late', async () => {
    const answer = await post(
      'SELECT number, throwIf(number = 3000000) FROM numbers(5000000)',
      '/?wait_end_of_query=1',
    );
    expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([500, '395']);
  });

  test('a client that leaves stops its query', async () => {
    const left = new AbortController();
    const long = client.query({
      query: 'SELECT sum(sipHash64(number)) FROM numbers(100000000000)',
      query_id: 'abandoned',
      abort_signal: left.signal,
    });
    long.catch(() => {});
    const running = () =>
      rowsOf<{ n: number }>(
        `SELECT count() AS n FROM system.processes WHERE Settings['log_comment'] = 'abandoned'`,
      );
    while ((await running())[0]!.n !== 1) await sleep(50);
    left.abort();
    await expect(long).rejects.toThrow();
    const deadline = Date.now() + 3_000;
    while ((await running())[0]!.n !== 0) {
      if (Date.now() > deadline) throw new Error('the query still runs');
      await sleep(50);
    }
  }, 15_000);

  test('so does one that leaves in the middle of a result', async () => {
    const result = await client.query({
      query: 'SELECT number FROM numbers(100000000000)',
      format: 'JSONEachRow',
      query_id: 'half-read',
    });
    for await (const _ of result.stream()) break;
    result.close();
    const deadline = Date.now() + 3_000;
    for (;;) {
      const [found] = await rowsOf<{ n: number }>(
        `SELECT count() AS n FROM system.processes WHERE Settings['log_comment'] = 'half-read'`,
      );
      if (found!.n === 0) break;
      if (Date.now() > deadline) throw new Error('the query still runs');
      await sleep(50);
    }
  }, 15_000);

  test('KILL QUERY by query_id', async () => {
    const long = rowsOf('SELECT sum(sipHash64(number)) FROM numbers(100000000000)', {
      query_id: 'to be killed',
    });
    const outcome = long.then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    await sleep(300);
    await client.command({ query: `KILL QUERY WHERE query_id = 'to be killed' SYNC` });
    expect(await outcome).toBe('394');
  }, 15_000);
});

describe('side by side', () => {
  test('a tiny query does not wait for heavy ones', async () => {
    const left = new AbortController();
    let ended = 0;
    const heavy = Array.from({ length: 4 }, () =>
      client
        .query({
          query: 'SELECT (SELECT sum(sipHash64(number)) FROM numbers(100000000000))',
          abort_signal: left.signal,
        })
        .catch(() => {})
        .finally(() => ended++),
    );
    await sleep(300);
    for (let round = 0; round < 20; round++) await rowsOf('SELECT 1');
    // They take minutes: none of the twenty has waited for one.
    expect(ended).toBe(0);
    left.abort();
    await Promise.all(heavy);
  }, 30_000);

  test('a mixture of everything stays right', async () => {
    await client.command({
      query: `CREATE TABLE judged.mix (k UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k`,
    });
    const until = Date.now() + 4_000;
    let acknowledged = 0;
    const writer = async (lane: number) => {
      for (let round = 0; Date.now() < until; round++) {
        const values = Array.from({ length: 500 }, (_, index) => ({
          k: lane * 1e9 + round * 500 + index,
          v: 1,
        }));
        await client.insert({ table: 'judged.mix', values, format: 'JSONEachRow' });
        acknowledged += values.length;
      }
    };
    const reader = async () => {
      while (Date.now() < until) {
        const atLeast = acknowledged;
        const [row] = await rowsOf<{ n: number; w: number }>(
          'SELECT count() AS n, {want:UInt64} AS w FROM judged.mix FINAL',
          { query_params: { want: atLeast } },
        );
        expect(row!.n).toBeGreaterThanOrEqual(row!.w);
        await expect(rowsOf('SELECT nosuch FROM judged.mix')).rejects.toMatchObject({ code: '47' });
      }
    };
    await Promise.all([writer(1), writer(2), writer(3), reader(), reader(), reader()]);
    expect(await rowsOf('SELECT count() AS n FROM judged.mix FINAL')).toEqual([{ n: acknowledged }]);
    expect(acknowledged).toBeGreaterThan(3_000);
  }, 30_000);
});

test('DDL, ALTER, OPTIMIZE, SHOW and DESCRIBE', async () => {
  await client.command({ query: 'CREATE TABLE judged.ddl (a UInt8) ENGINE = MergeTree ORDER BY a' });
  await client.command({ query: 'ALTER TABLE judged.ddl ADD COLUMN b String DEFAULT toString(a)' });
  await client.command({ query: 'INSERT INTO judged.ddl (a) VALUES (1)' });
  await client.command({ query: 'OPTIMIZE TABLE judged.ddl FINAL' });
  expect(await rowsOf('DESCRIBE TABLE judged.ddl')).toMatchObject([{ name: 'a' }, { name: 'b' }]);
  expect(await rowsOf(`SHOW TABLES FROM judged LIKE 'ddl'`)).toEqual([{ name: 'ddl' }]);
  const executed = await client.exec({ query: 'SELECT b FROM judged.ddl FORMAT TabSeparated' });
  let text = '';
  for await (const chunk of executed.stream) text += chunk;
  expect(text).toBe('1\n');
  await client.command({ query: 'CREATE VIEW judged.seen AS SELECT sum(a) AS s FROM judged.ddl' });
  await client.command({ query: 'CREATE TABLE judged.other AS judged.ddl' });
  await client.command({ query: 'EXCHANGE TABLES judged.ddl AND judged.other' });
  expect(await rowsOf('SELECT * FROM judged.seen')).toEqual([{ s: 0 }]);
  await client.command({ query: 'DROP TABLE judged.other SYNC' });
});
