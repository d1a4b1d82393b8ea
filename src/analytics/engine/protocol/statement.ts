import { ClickHouseException } from './errors.js';
import { literal, type Token, tokens } from './lexer.js';

/**
 * What a statement is to this front: how its result leaves, where its data begins, which lane it takes.
 * The engine's parser stays the judge of what is valid; here only clauses are found.
 */
export type Statement =
  /** Rows that may be many: streamed through a pipe. `tail` is where INTO OUTFILE belongs. */
  | { kind: 'select'; sql: string; tail: number; format?: string }
  /** A small answer, or none: SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK. */
  | { kind: 'show'; sql: string; format?: string }
  /** SET and USE: matters to a session only. */
  | { kind: 'session'; sql: string }
  | { kind: 'kill'; sql: string }
  /** DDL, ALTER, OPTIMIZE, SYSTEM, INSERT SELECT ... */
  | { kind: 'write'; sql: string }
  /** INSERT whose rows follow. `dataAt` = offset of the first inline data byte. */
  | {
      kind: 'insert';
      sql: string;
      dataAt: number;
      inputAt: number;
      format: string;
      formatAt: number;
      via: 'infile' | 'input';
    };

const SHOWS = new Set(['SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN', 'CHECK']);
const SELECTS = new Set(['SELECT', 'WITH', 'FROM']);

/**
 * Words behind which an expression must follow, so that a FORMAT behind them is a name, not the clause. Without
 * OFFSET, TO and STEP: those are common names of columns, ours among them (`ORDER BY partition, offset`).
 * Most of the others may be names as well (`ORDER BY from`, `GROUP BY database`): see `awaitsOperand`.
 */
const EXPECTING = new Set(
  `SELECT DISTINCT FROM WHERE PREWHERE HAVING QUALIFY BY AND OR NOT XOR IN LIKE ILIKE REGEXP IS AS ON USING JOIN
  LIMIT BETWEEN THEN ELSE WHEN CASE INTERVAL WITH UNION EXCEPT INTERSECT SETTINGS INTO SET
  OUTFILE TABLE DATABASE EXISTS GLOBAL DIV MOD`.split(/\s+/),
);

const refuse = (text: string) => ClickHouseException.of('SYNTAX_ERROR', text);

/** Reads a statement; throws ClickHouseException SYNTAX_ERROR for several, INTO_OUTFILE_NOT_ALLOWED, and kin. */
export function readStatement(sql: string): Statement {
  const walk = tokens(sql);
  let first = walk.next().value as Token | undefined;
  while (first?.kind === 'open' && first.text === '(') first = walk.next().value as Token | undefined;
  if (first === undefined || first.kind === 'semicolon') throw refuse('Empty query');
  if (first.word === 'INSERT') return readInsert(sql);

  const all = single(sql);
  const last = all.at(-1);
  const text = last === undefined ? sql : sql.slice(0, last.end);
  if (first.word === 'SET' || first.word === 'USE') return { kind: 'session', sql: text };
  if (first.word === 'KILL') return { kind: 'kill', sql: text };
  if (!SHOWS.has(first.word) && !SELECTS.has(first.word)) return { kind: 'write', sql: text };
  if (all.some((token) => token.depth === 0 && token.word === 'INSERT')) return { kind: 'write', sql: text };
  refuseOutfile(all);
  const clause = formatClause(all);
  const format = clause && all[clause.index + 1]!.text;
  return SHOWS.has(first.word)
    ? { kind: 'show', sql: text, ...(format !== undefined && { format }) }
    : {
        kind: 'select',
        sql: text,
        tail: clause?.start ?? text.length,
        ...(format !== undefined && { format }),
      };
}

/** All tokens but closing semicolons; a second statement is refused, as the server's HTTP interface does. */
function single(sql: string, from = 0): Token[] {
  const found: Token[] = [];
  let closed = false;
  for (const token of tokens(sql, from)) {
    if (token.kind === 'semicolon') closed = true;
    else if (closed)
      throw refuse(
        `Syntax error (Multi-statements are not allowed): failed at position ${token.start + 1}: ${token.text.slice(0, 60)}`,
      );
    else found.push(token);
  }
  return found;
}

function refuseOutfile(all: readonly Token[]): void {
  const at = all.findIndex(
    (token, index) =>
      token.word === 'OUTFILE' && all[index - 1]?.word === 'INTO' && all[index + 1]?.kind === 'string',
  );
  if (at >= 0) throw ClickHouseException.of('INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
}

/** The trailing `FORMAT name`, which only SETTINGS may follow. */
function formatClause(all: readonly Token[]): { index: number; start: number } | undefined {
  for (let index = all.length - 2; index > 0; index--) {
    const token = all[index]!;
    if (token.depth !== 0 || token.word !== 'FORMAT') continue;
    const follower = all[index + 2];
    const ends = follower === undefined || follower.word === 'SETTINGS';
    const nameFollows = all[index + 1]!.kind === 'word' && all[index + 1]!.word !== 'SETTINGS';
    if (ends && nameFollows && !awaitsOperand(all, index - 1)) return { index, start: token.start };
  }
  return undefined;
}

/** An operator, or a keyword that is one here: where an operand is awaited, any word is a name (`BY from`). */
function awaitsOperand(all: readonly Token[], index: number): boolean {
  const token = all[index];
  if (token === undefined) return false;
  if (token.kind === 'other') return token.text !== '*';
  return EXPECTING.has(token.word) && !awaitsOperand(all, index - 1);
}

/** INSERT [INTO] [TABLE] [FUNCTION] target [(columns)] [SETTINGS ...] (FORMAT f | VALUES | SELECT ...) */
function readInsert(sql: string): Statement {
  const head: Token[] = [];
  let settingsAt: number | undefined;
  let target = false;
  for (const token of tokens(sql)) {
    head.push(token);
    if (token.depth !== 0) continue;
    if (!target) {
      // The table's name, which may itself be called `format`.
      target =
        (token.kind === 'word' || token.kind === 'quoted') &&
        !['INSERT', 'INTO', 'TABLE', 'FUNCTION'].includes(token.word);
      continue;
    }
    if (head.at(-2)?.text === '.') continue;
    if (token.word === 'SETTINGS') settingsAt ??= token.start;
    else if (token.word === 'FROM')
      throw ClickHouseException.of(
        'UNKNOWN_TYPE_OF_QUERY',
        'Query has infile and was sent directly to the server',
      );
    else if (token.word === 'VALUES') {
      if (sql.length - token.end < 1_000_000) single(sql, token.end);
      return insert(sql, settingsAt ?? token.start, token.start, 'Values', token.end);
    } else if (token.word === 'FORMAT') {
      const name = tokens(sql, token.end).next().value as Token | undefined;
      if (name?.kind !== 'word') throw refuse('Syntax error: a format name is expected after FORMAT');
      return insert(sql, settingsAt ?? token.start, token.start, name.text, dataOffset(sql, name.end));
    } else if (token.word === 'SELECT' || token.word === 'WITH') return readInsertSelect(sql);
  }
  return { kind: 'write', sql };
}

const insert = (
  sql: string,
  inputAt: number,
  formatAt: number,
  format: string,
  dataAt: number,
): Statement => ({
  kind: 'insert',
  sql,
  inputAt,
  formatAt,
  format,
  dataAt,
  via: 'infile',
});

function readInsertSelect(sql: string): Statement {
  const head: Token[] = [];
  let input: number | undefined;
  for (const token of tokens(sql)) {
    head.push(token);
    const previous = head.at(-2);
    if (previous?.word === 'INPUT' && token.text === '(') input = previous.start;
    if (input === undefined || token.depth !== 0 || token.word !== 'FORMAT') continue;
    const name = tokens(sql, token.end).next().value as Token | undefined;
    if (name?.kind !== 'word') throw refuse('Syntax error: a format name is expected after FORMAT');
    return {
      kind: 'insert',
      sql,
      inputAt: input,
      formatAt: token.start,
      format: name.text,
      dataAt: dataOffset(sql, name.end),
      via: 'input',
    };
  }
  refuseOutfile(head);
  const all = single(sql);
  return { kind: 'write', sql: sql.slice(0, all.at(-1)!.end) };
}

/** ParserInsertQuery: data begins after blanks and at most one newline. */
function dataOffset(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && ' \t\f'.includes(sql[at]!)) at++;
  if (sql[at] === '\r') at++;
  if (sql[at] === '\n') at++;
  return at;
}

/** The select, writing its result in `format` to `path` (a pipe or file that exists). */
export const selectInto = (
  statement: Extract<Statement, { kind: 'select' }>,
  path: string,
  format: string,
): string =>
  `${statement.sql.slice(0, statement.tail)}\nINTO OUTFILE ${literal(path)} TRUNCATE COMPRESSION 'none' ` +
  (statement.format === undefined ? `FORMAT ${format}` : statement.sql.slice(statement.tail));

/** The insert, reading its rows from `path`. */
export function insertFrom(statement: Extract<Statement, { kind: 'insert' }>, path: string): string {
  const { sql, inputAt, formatAt, format } = statement;
  if (statement.via === 'input')
    return `${sql.slice(0, inputAt)}${sql
      .slice(inputAt, formatAt)
      .replace(/^input\s*\(/i, `file(${literal(path)}, ${format}, `)}`;
  return `${sql.slice(0, inputAt)} FROM INFILE ${literal(path)} COMPRESSION 'none' ${sql.slice(inputAt, formatAt)} FORMAT ${format}`;
}

/**
 * KILL QUERY as this front can serve it: the engine names queries itself, ours stand in log_comment; and SYNC
 * waits for ever in an embedded engine (chdb 3.4.0), so the statement is always sent as ASYNC.
 */
export function killStatement(sql: string): string {
  let killed = '';
  let at = 0;
  for (const token of tokens(sql)) {
    const instead =
      token.depth === 0 && (token.word === 'SYNC' || token.word === 'ASYNC')
        ? ''
        : token.word === 'QUERY_ID' ||
            token.word === 'INITIAL_QUERY_ID' ||
            /^[`"](initial_)?query_id[`"]$/.test(token.text)
          ? "Settings['log_comment']"
          : undefined;
    if (instead === undefined) continue;
    killed += sql.slice(at, token.start) + instead;
    at = token.end;
  }
  killed += sql.slice(at);
  return /\bTEST\s*$/i.test(killed) ? killed : `${killed} ASYNC`;
}
