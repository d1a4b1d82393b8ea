import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type EmbeddedClickHouse,
  startEmbeddedClickHouse,
  temporaryFolder,
} from '../../../test/embedded-clickhouse.js';

/** Who may enter, and what the read-only user can be brought to do. */
const folder = temporaryFolder();
const secret = join(folder.path, 'secret.txt');
const written = join(folder.path, 'written.txt');
let role: EmbeddedClickHouse;

beforeAll(async () => {
  writeFileSync(secret, 'TOP SECRET\n');
  role = await startEmbeddedClickHouse(folder.path, {
    CLICKHOUSE_PASSWORD: 'owner',
    WATTSTREAM_ANALYST_PASSWORD: 'reader',
    WATTSTREAM_ANALYST_SECONDS: '8',
    WATTSTREAM_ANALYST_MEMORY_BYTES: String(40 * 1024 ** 2),
    WATTSTREAM_ANALYST_RESULT_ROWS: '1000',
    CLICKHOUSE_ALLOWED_ORIGINS: 'http://dashboards.example',
    CLICKHOUSE_ALLOWED_HOSTS: 'clickhouse.example',
  });
  await owner('CREATE DATABASE d ENGINE = Atomic');
  await owner('CREATE TABLE d.t (a UInt64, s String) ENGINE = MergeTree ORDER BY a');
  await owner(`INSERT INTO d.t SELECT number, toString(number) FROM numbers(10)`);
  await owner(
    'CREATE VIEW d.v AS SELECT a, s FROM d.t FINAL WHERE a = (SELECT max(a) FROM d.t)'.replace(' FINAL', ''),
  );
}, 30_000);

afterAll(async () => {
  await role?.stop();
  folder.remove();
});

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

/** Plain HTTP: fetch would not send a Host or Origin of ours. */
const send = (
  statement: string,
  headers: Record<string, string>,
  search = '',
  method = 'POST',
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const asking = request(`${role.url}/${search}`, { method, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      const code = response.headers['x-clickhouse-exception-code'] as string | undefined;
      resolve({ status: response.statusCode!, code, text });
    });
    asking.on('error', reject);
    asking.end(statement);
  });
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const owner = (statement: string) => send(statement, basic('default', 'owner'));
const analyst = (statement: string, search = '') => send(statement, basic('analyst', 'reader'), search);

describe('who may enter', () => {
  test('by Basic, by headers, by the address', async () => {
    for (const answer of [
      await owner('SELECT currentUser()'),
      await send('SELECT 1', { 'x-clickhouse-user': 'default', 'x-clickhouse-key': 'owner' }),
      await send('SELECT 1', {}, '?user=default&password=owner'),
      await send('SELECT 1', { 'x-clickhouse-user': 'analyst', 'x-clickhouse-key': 'reader' }),
    ])
      expect(answer.status).toBe(200);
  });

  test('wrong, unknown and missing credentials are refused alike, with code 516', async () => {
    expect(await send('SELECT 1', basic('default', 'guess'))).toMatchObject({ status: 403, code: '516' });
    expect(await send('SELECT 1', basic('nobody', ''))).toMatchObject({ status: 403, code: '516' });
    expect(await send('SELECT 1', {})).toMatchObject({ status: 401, code: '516' });
    expect(await send('SELECT 1', basic('default', 'owner'), '?user=default')).toMatchObject({ code: '516' });
  });

  test('no page of another site, nor a name pointed here', async () => {
    const me = basic('default', 'owner');
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:8080' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { host: 'evil.example' },
      { host: '127.0.0.1.evil.example:8123' },
      { host: 'localhost.evil.example' },
    ])
      expect(await send('SELECT 1', { ...me, ...headers } as never)).toMatchObject({
        status: 403,
        code: '497',
      });
    for (const headers of [
      { origin: 'http://dashboards.example' },
      { host: 'localhost:8123' },
      { host: '[::1]:8123' },
      { host: 'clickhouse.example' },
      { 'sec-fetch-site': 'none' },
    ])
      expect(await send('SELECT 1', { ...me, ...headers } as never)).toMatchObject({ status: 200 });
  });
});

describe('the read-only user can ask', () => {
  test.each([
    'SELECT a, s FROM d.t ORDER BY a LIMIT 3 FORMAT JSON',
    'SELECT * FROM d.v',
    `WITH big AS (SELECT a FROM d.t WHERE a > 3) SELECT count(), sumIf(a, a % 2 = 0), quantilesExact(0.5, 0.9)(a) FROM big`,
    `SELECT toStartOfInterval(now(), INTERVAL 15 MINUTE) AS t, arrayMap(x -> x + 1, [1, 2]), s::UInt64, s LIKE '1%' FROM d.t`,
    `SELECT a, sum(a) OVER (PARTITION BY a % 2 ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM d.t`,
    `SELECT x.a, CASE WHEN y.a IS NULL THEN 'none' ELSE y.s END FROM d.t AS x LEFT JOIN d.t AS y USING (a) WHERE x.a IN (SELECT a FROM d.t) GROUP BY ALL HAVING count() > 0`,
    `SELECT formatDateTime(toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), '%Y'), round(1.55, 1), coalesce(NULL, 1), JSONExtractString('{"a":1}', 'a'), dateDiff('day', today(), yesterday()), if(1, 'a', 'b'), argMax(s, a), uniqExact(s), groupArray(s), any(s) FROM d.t`,
    `SELECT lower(s), concat(s, 'x'), splitByChar(',', s), toUInt8(a), max2(1, 2), length(s), s || 'x', toTimeZone(now(), 'Europe/Berlin'), toYYYYMM(now()), lagInFrame(a) OVER (ORDER BY a), bar(a, 0, 10), topK(3)(s), countDistinct(s) FROM d.t GROUP BY a, s`,
    'SELECT number FROM numbers(3) UNION ALL SELECT 1',
    'SELECT name FROM system.tables',
    'SELECT table_name FROM information_schema.tables LIMIT 1',
    'EXPLAIN SELECT a FROM d.t',
    'SHOW TABLES FROM d',
    'SHOW DATABASES',
    'SHOW CREATE TABLE d.t',
    'DESCRIBE TABLE d.t',
    'EXISTS TABLE d.t',
  ])('%s', async (statement) => {
    expect(await analyst(statement)).toMatchObject({ status: 200 });
  });

  test('with parameters, formats and looks of its own', async () => {
    const search =
      '?param_p=3&output_format_json_quote_64bit_integers=1&database=d&max_execution_time=1&query_id=q';
    const answer = await analyst('SELECT a FROM t WHERE a = {p:UInt8} FORMAT JSONEachRow', search);
    expect(answer).toMatchObject({ status: 200, text: '{"a":"3"}\n' });
  });
});

describe('the read-only user cannot be brought to', () => {
  const attacks: [string, string][] = [
    ['read a file by the scalar function', `SELECT file('${secret}')`],
    ['by another spelling', `SELECT FILE('${secret}')`],
    ['by a quoted name', `SELECT \`file\`('${secret}')`],
    [
      'by APPLY, whose function the tree does not show',
      `SELECT * APPLY(file) FROM (SELECT '${secret}' AS p)`,
    ],
    ['by a lambda', `SELECT arrayMap(x -> file(x), ['${secret}'])`],
    ['by a WITH expression', `WITH file('${secret}') AS f SELECT f`],
    ['by a subquery', `SELECT * FROM (SELECT (SELECT file('${secret}')))`],
    ['in EXPLAIN', `EXPLAIN SELECT file('${secret}')`],
    ['in an ORDER BY', `SELECT a FROM d.t ORDER BY file('${secret}')`],
    ['in the WHERE of a SHOW', `SHOW TABLES FROM d WHERE name = file('${secret}')`],
    ['behind a comment', `/* SELECT 1 */ SELECT file/**/('${secret}')`],
    ['as a table', `SELECT * FROM file('${secret}', LineAsString)`],
    ['as a table described', `DESCRIBE TABLE file('${secret}', LineAsString)`],
    ['in a union', `SELECT '' UNION ALL SELECT file('${secret}')`],
    ['by viewExplain', `SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('${secret}')))`],
    ['by view', `SELECT * FROM view(SELECT file('${secret}'))`],
    ['write a file', `SELECT 1 INTO OUTFILE '${written}'`],
    ['write a file, with a format', `SELECT 1 INTO OUTFILE '${written}' FORMAT CSV`],
    ['write a file from a SHOW', `SHOW TABLES INTO OUTFILE '${written}'`],
    ['insert into a file', `INSERT INTO FUNCTION file('${written}', CSV) SELECT 1`],
    ['reach the network', `SELECT * FROM url('http://127.0.0.1:1/', LineAsString)`],
    ['reach another server', `SELECT * FROM remote('127.0.0.1:9000', system.one)`],
    ['reach a bucket', `SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')`],
    ['run a program', `SELECT * FROM executable('id', TabSeparated, 's String')`],
    ['ask a model', `SELECT aiGenerate('x')`],
    ['see what the caller sent', `SELECT getClientHTTPHeader('Authorization')`],
    ['sleep', 'SELECT sleep(3)'],
    ['sleep in every row', 'SELECT sleepEachRow(1) FROM numbers(3)'],
    ['read a dictionary', `SELECT dictGet('d', 'a', 1)`],
    ["see other people's queries", 'SELECT query FROM system.processes'],
    ['see them by IN', 'SELECT 1 IN system.processes'],
    ['see them by a quoted name', 'SELECT * FROM `system`.`processes`'],
    ['see them from there', 'SELECT * FROM merge(`system`, `processes`)'],
    ['see named collections', 'SELECT * FROM system.named_collections'],
    ['insert', 'INSERT INTO d.t VALUES (1, 1)'],
    ['create', 'CREATE TABLE d.x (a UInt8) ENGINE = Memory'],
    ['create a temporary table', 'CREATE TEMPORARY TABLE x (a UInt8)'],
    ['create a function', 'CREATE FUNCTION f AS (x) -> x'],
    ['drop', 'DROP TABLE d.t'],
    ['truncate', 'TRUNCATE TABLE d.t'],
    ['alter', 'ALTER TABLE d.t DELETE WHERE 1'],
    ['optimize', 'OPTIMIZE TABLE d.t'],
    ['back up', `BACKUP TABLE d.t TO File('${written}')`],
    ['stop the server', 'SYSTEM SHUTDOWN'],
    ['stop merges', 'SYSTEM STOP MERGES'],
    ['kill', `KILL QUERY WHERE 1`],
    ['set', 'SET readonly = 0'],
    ['lift limits in the statement', 'SELECT 1 SETTINGS max_execution_time = 0'],
    ['lift limits in a subquery', 'SELECT * FROM (SELECT 1 SETTINGS readonly = 0)'],
    ['smuggle a second statement', 'SELECT 1; DROP TABLE d.t'],
    ['smuggle it behind a string that never ends', `SELECT 'a\\'; DROP TABLE d.t; --`],
    ['use another database', 'USE system'],
    ['watch processes', 'SHOW PROCESSLIST'],
    ['see grants', 'SHOW GRANTS'],
  ];
  test.each(attacks)('%s: %#', async (_name, statement) => {
    const answer = await analyst(statement);
    expect(answer.status).not.toBe(200);
    expect(answer.text).not.toContain('TOP SECRET');
    expect(existsSync(written)).toBe(false);
    expect((await owner('SELECT count() FROM d.t')).text).toBe('10\n');
  });

  test.each([
    ['readonly', '0'],
    ['max_execution_time', '0'],
    ['max_execution_time', '100'],
    ['max_result_rows', '0'],
    ['max_memory_usage', '0'],
    ['allow_ddl', '1'],
    ['format_schema', 'x'],
    ['format_template_resultset', '/etc/passwd'],
    ['allow_introspection_functions', '1'],
  ])('set %s = %s in the address', async (name, value) => {
    const answer = await analyst(
      `SELECT getSetting('readonly'), getSetting('max_execution_time')`,
      `?${name}=${value}`,
    );
    if (name === 'readonly') expect(answer.text).toBe('1\t8\n');
    else expect(answer).toMatchObject({ code: '164' });
  });

  test('name a table of its choice by a parameter', async () => {
    const answer = await analyst('SELECT * FROM {t:Identifier}', '?param_t=system.processes');
    expect(answer).toMatchObject({ status: 403, code: '497' });
  });

  test('be in the database system', async () => {
    expect(await analyst('SELECT * FROM processes', '?database=system')).toMatchObject({ code: '497' });
    expect(await analyst('SELECT * FROM processes', '?database=SYSTEM')).not.toMatchObject({ status: 200 });
  });

  test.each([
    ['time', 'SELECT count() FROM numbers(1000000000000)', '159'],
    ['rows', 'SELECT number FROM numbers(2000)', '396'],
    ['memory', 'SELECT uniqExact(number) FROM numbers(100000000)', '241'],
  ])(
    'take more than its %s',
    async (_what, statement, code) => {
      expect(await analyst(statement)).toMatchObject({ code });
    },
    60_000,
  );
});
