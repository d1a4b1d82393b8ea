import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { identifier, literal, tokens } from './lexer.js';
import { insertFrom, killStatement, readStatement, type Statement, selectInto } from './statement.js';

type Kind<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

describe('tokens', () => {
  test('comments, strings, quoted names and heredocs are each one thing', () => {
    const text = `SELECT 'it''s \\'; --', "a;""b", \`c\\\`;\`, $x$ ; ' $x$ -- ; end\n/* ; */ # ;\n, 1e-5.x`;
    expect([...tokens(text)].map((token) => token.text)).toEqual([
      'SELECT',
      `'it''s \\'; --'`,
      ',',
      `"a;""b"`,
      ',',
      '`c\\`;`',
      ',',
      `$x$ ; ' $x$`,
      ',',
      '1e-5.x',
    ]);
  });

  test('literals and identifiers hold whatever is put into them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const bytes = Buffer.from(value).toString('latin1');
        expect([...tokens(literal(bytes))]).toMatchObject([{ kind: 'string', text: literal(bytes) }]);
        expect([...tokens(identifier(bytes))]).toMatchObject([{ kind: 'quoted', text: identifier(bytes) }]);
      }),
    );
  });
});

describe('what a statement is', () => {
  test.each([
    ['SELECT 1', 'select'],
    ['  -- hello\n(SELECT 1) UNION ALL (SELECT 2);', 'select'],
    ['WITH a AS (SELECT 1) SELECT * FROM a', 'select'],
    ['FROM t SELECT a', 'select'],
    ['SHOW TABLES', 'show'],
    ['desc t', 'show'],
    ['EXPLAIN SELECT 1', 'show'],
    ['SET a = 1', 'session'],
    ['USE d', 'session'],
    ['KILL QUERY WHERE 1', 'kill'],
    ['CREATE TABLE t AS SELECT 1', 'write'],
    ['INSERT INTO t SELECT 1', 'write'],
    ['INSERT INTO t WITH a AS (SELECT 1) SELECT * FROM a', 'write'],
    ['INSERT INTO t VALUES (1)', 'insert'],
    ['INSERT INTO d.format (a, b) FORMAT CSV\n1,2', 'insert'],
    ["insert into function file('x', CSV) format TSV\n1", 'insert'],
  ])('%s', (text, kind) => {
    expect(readStatement(text).kind).toBe(kind);
  });

  test.each([
    'SELECT 1; SELECT 2',
    'INSERT INTO t VALUES (1); DROP TABLE t',
    'SET a = 1; SELECT 1',
    'DROP TABLE t;;x',
  ])('several statements are refused: %s', (text) =>
    expect(() => readStatement(text)).toThrow(/Multi-statements are not allowed/),
  );

  test.each(['', ' ', ';', '-- nothing', '/* */'])('nothing is refused: %j', (text) =>
    expect(() => readStatement(text)).toThrow(/Empty query/),
  );

  test('files of the machine are refused', () => {
    expect(() => readStatement(`SELECT 1 INTO OUTFILE 'x'`)).toThrow(/INTO_OUTFILE_NOT_ALLOWED/);
    expect(() => readStatement(`SHOW TABLES INTO/**/OUTFILE 'x'`)).toThrow(/INTO_OUTFILE_NOT_ALLOWED/);
    expect(() => readStatement(`INSERT INTO t FROM INFILE 'x' FORMAT CSV`)).toThrow(/infile/);
    expect(readStatement(`SELECT into outfile FROM t`).kind).toBe('select');
  });
});

describe('a result goes', () => {
  const into = (text: string) => {
    const statement = readStatement(text) as Kind<'select'>;
    return [statement.format, selectInto(statement, '/p', 'TSV').replace(/\s+/g, ' ')];
  };
  const to = `INTO OUTFILE '/p' TRUNCATE COMPRESSION 'none'`;
  test.each([
    ['SELECT 1', undefined, `SELECT 1 ${to} FORMAT TSV`],
    ['SELECT 1;', undefined, `SELECT 1 ${to} FORMAT TSV`],
    ['SELECT 1 -- done', undefined, `SELECT 1 ${to} FORMAT TSV`],
    ['SELECT 1 FORMAT JSON', 'JSON', `SELECT 1 ${to} FORMAT JSON`],
    [
      'SELECT a FROM t ORDER BY partition, offset FORMAT JSON',
      'JSON',
      `SELECT a FROM t ORDER BY partition, offset ${to} FORMAT JSON`,
    ],
    ['SELECT * FROM t format CSV SETTINGS a = 1', 'CSV', `SELECT * FROM t ${to} format CSV SETTINGS a = 1`],
    ['SELECT a FROM t GROUP BY ALL FORMAT CSV', 'CSV', `SELECT a FROM t GROUP BY ALL ${to} FORMAT CSV`],
    ['SELECT a FROM t ORDER BY from FORMAT CSV', 'CSV', `SELECT a FROM t ORDER BY from ${to} FORMAT CSV`],
    [
      'SELECT a FROM t ORDER BY a, database FORMAT CSV',
      'CSV',
      `SELECT a FROM t ORDER BY a, database ${to} FORMAT CSV`,
    ],
    ['SELECT a FROM t WHERE a < from FORMAT CSV', 'CSV', `SELECT a FROM t WHERE a < from ${to} FORMAT CSV`],
    [
      'SELECT a FROM t JOIN i ON i.from = t.table FORMAT CSV',
      'CSV',
      `SELECT a FROM t JOIN i ON i.from = t.table ${to} FORMAT CSV`,
    ],
    ['SELECT 1 UNION ALL FROM format f', undefined, `SELECT 1 UNION ALL FROM format f ${to} FORMAT TSV`],
    ['SELECT 1 SETTINGS a = 1 FORMAT CSV', 'CSV', `SELECT 1 SETTINGS a = 1 ${to} FORMAT CSV`],
    ['SELECT 1 AS format', undefined, `SELECT 1 AS format ${to} FORMAT TSV`],
    [
      'SELECT 1 AS format ORDER BY format DESC',
      undefined,
      `SELECT 1 AS format ORDER BY format DESC ${to} FORMAT TSV`,
    ],
    ['SELECT a, format b FROM t', undefined, `SELECT a, format b FROM t ${to} FORMAT TSV`],
    [`SELECT 'FORMAT JSON'`, undefined, `SELECT 'FORMAT JSON' ${to} FORMAT TSV`],
    ['SELECT (SELECT 1 FORMAT JSON)', undefined, `SELECT (SELECT 1 FORMAT JSON) ${to} FORMAT TSV`],
  ])('%s', (text, format, sql) => {
    expect(into(text)).toEqual([format, sql]);
  });
});

describe('rows come', () => {
  const from = (text: string) => {
    const statement = readStatement(text) as Kind<'insert'>;
    return [insertFrom(statement, '/p').replace(/\s+/g, ' '), text.slice(statement.dataAt)];
  };
  const file = `FROM INFILE '/p' COMPRESSION 'none'`;
  test.each([
    ['INSERT INTO t FORMAT CSV\n1', `INSERT INTO t ${file} FORMAT CSV`, '1'],
    ['INSERT INTO t FORMAT CSV \t\r\n\n1', `INSERT INTO t ${file} FORMAT CSV`, '\n1'],
    ['INSERT INTO t FORMAT RowBinary\n\0;\n\xff', `INSERT INTO t ${file} FORMAT RowBinary`, '\0;\n\xff'],
    ['INSERT INTO t (a, `b`) VALUES (1), (2)', `INSERT INTO t (a, \`b\`) ${file} FORMAT Values`, ' (1), (2)'],
    [
      'insert into table "d".t settings x = 1 format TSV 1',
      `insert into table "d".t ${file} settings x = 1 FORMAT TSV`,
      '1',
    ],
    ['INSERT INTO t.values VALUES (1)', `INSERT INTO t.values ${file} FORMAT Values`, ' (1)'],
    [
      "INSERT INTO t SELECT x FROM input('x UInt8') FORMAT CSV\n1",
      `INSERT INTO t SELECT x FROM file('/p', CSV, 'x UInt8') `,
      '1',
    ],
  ])('%j', (text, sql, data) => {
    expect(from(text)).toEqual([sql, data]);
  });
});

test('KILL finds queries by the ids of this front, and never waits', () => {
  expect(killStatement(`KILL QUERY WHERE query_id = 'query_id' SYNC`)).toBe(
    `KILL QUERY WHERE Settings['log_comment'] = 'query_id'  ASYNC`,
  );
  expect(killStatement(`KILL QUERY WHERE user = 'x' TEST`)).toBe(`KILL QUERY WHERE user = 'x' TEST`);
});

test('no text makes the reader run away or lose a byte of data', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const data = Buffer.from(bytes).toString('latin1');
      const text = `INSERT INTO t FORMAT RowBinary\n${data}`;
      expect(text.slice((readStatement(text) as Kind<'insert'>).dataAt)).toBe(data);
      try {
        readStatement(data);
      } catch (error) {
        expect((error as Error).message).toMatch(/^Code: \d+\. DB::Exception: /);
      }
    }),
  );
});
