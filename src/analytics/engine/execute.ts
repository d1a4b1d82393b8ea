import { createReadStream } from 'node:fs';
import { checkSettings, checkText, checkTree, type GuardLists } from './access/guard.js';
import type { User } from './access/users.js';
import type { Pipes } from './chdb/pipes.js';
import type { Lane } from './lanes.js';
import type { Answer, Connection, Engine } from './ports.js';
import { ClickHouseException, fromEngine } from './protocol/errors.js';
import { identifier, literal } from './protocol/lexer.js';
import type { ClickHouseRequest } from './protocol/request.js';
import { insertFrom, killStatement, type Statement, selectInto } from './protocol/statement.js';
import type { SessionLease, Sessions } from './sessions.js';
import type { Spool } from './spool.js';

export interface Job {
  readonly statement: Statement;
  readonly request: ClickHouseRequest;
  readonly user: User;
  /** GET and HEAD may only read, as on a server. */
  readonly readonly: boolean;
  /** The rows of an INSERT. */
  readonly rows: AsyncIterable<Uint8Array> | undefined;
}

/** What X-ClickHouse-Summary says. */
export interface Stats {
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
  readonly resultBytes: number;
  readonly elapsedSeconds: number;
}

export interface Parts {
  readonly engine: Engine;
  readonly pipes: Pipes;
  readonly spool: Spool;
  readonly sessions: Sessions;
  readonly lanes: { readonly readers: Lane; readonly writers: Lane; readonly analysts: Lane };
  readonly guard: GuardLists;
}

/** Statement texts are byte strings here (see lexer.ts); the engine takes UTF-8. */
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
const byteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const KILL_EVERY_MS = 250;

/** Runs statements, each on a connection of its own, so that nothing a query sets can reach the next. */
export class Executor {
  private readonly running = new Map<string, { done: Promise<unknown>; cancel(): void }>();
  constructor(private readonly parts: Parts) {}

  get active(): number {
    return this.running.size;
  }

  /**
   * Runs a job. The result goes to `sink` piece by piece, each awaited, so a slow reader slows the engine.
   * `signal` aborts the query in the engine. Rejects with ClickHouseException, or with what `sink` threw.
   */
  async run(job: Job, signal: AbortSignal, sink: (chunk: Uint8Array) => Promise<void>): Promise<Stats> {
    const { queryId } = job.request;
    if (this.running.has(queryId))
      throw ClickHouseException.of(
        'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
        `Query with id = ${queryId} is already running.`,
      );
    const cancel = new AbortController();
    const either = AbortSignal.any([signal, cancel.signal]);
    // Whatever makes the reader of a result fail, its query is stopped: the engine itself swallows a broken
    // pipe and would compute to the end.
    const guarded = (chunk: Uint8Array) =>
      sink(chunk).catch((error: unknown) => {
        cancel.abort();
        throw new SinkError('the reader of a result failed', { cause: error });
      });
    const done = this.admitted(job, either, guarded).catch((error: unknown) => {
      if (error instanceof SinkError) throw error.cause;
      throw fromEngine(error, this.parts.engine.version);
    });
    this.running.set(queryId, { done, cancel: () => cancel.abort() });
    try {
      return await done;
    } finally {
      this.running.delete(queryId);
    }
  }

  /** Waits for running queries; those that are not done after `drainMs` are cancelled, and waited for. */
  async drain(drainMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const query of this.running.values()) query.cancel();
    }, drainMs);
    while (this.running.size > 0)
      await Promise.allSettled([...this.running.values()].map((query) => query.done));
    clearTimeout(timer);
  }

  private async admitted(
    job: Job,
    signal: AbortSignal,
    sink: (chunk: Uint8Array) => Promise<void>,
  ): Promise<Stats> {
    const { statement, user } = job;
    admit(job, this.parts.guard);
    // Rows first, then a place among the writers: a slow upload holds none.
    const rows = statement.kind === 'insert' ? await this.takeRows(statement, job, signal) : undefined;
    try {
      const lane = user.guarded
        ? this.parts.lanes.analysts
        : statement.kind === 'insert' || statement.kind === 'write'
          ? this.parts.lanes.writers
          : this.parts.lanes.readers;
      // KILL waits for nobody: it is how places get free.
      const leave = statement.kind === 'kill' ? () => {} : await lane.enter(signal);
      try {
        return await this.onConnection(job, signal, sink, rows);
      } finally {
        leave();
      }
    } finally {
      if (rows !== undefined) this.parts.spool.remove(rows.path);
    }
  }

  private async takeRows(
    statement: Extract<Statement, { kind: 'insert' }>,
    job: Job,
    signal: AbortSignal,
  ): Promise<{ path: string; bytes: number }> {
    const path = this.parts.spool.path();
    const inline = Buffer.from(statement.sql.slice(statement.dataAt), 'latin1');
    async function* parts() {
      if (inline.length > 0) yield inline;
      if (job.rows !== undefined)
        for await (const chunk of job.rows) {
          signal.throwIfAborted();
          yield chunk;
        }
      signal.throwIfAborted();
    }
    return { path, bytes: await this.parts.spool.write(path, parts()) };
  }

  private async onConnection(
    job: Job,
    signal: AbortSignal,
    sink: (chunk: Uint8Array) => Promise<void>,
    rows: { path: string; bytes: number } | undefined,
  ): Promise<Stats> {
    const { request, user } = job;
    // A guarded user's sessions would hold nothing: temporary tables and SET are not for it.
    const lease: SessionLease | undefined =
      request.session === undefined || user.guarded
        ? undefined
        : this.parts.sessions.lease(user.name, request.session);
    const connection = lease?.connection ?? this.parts.engine.open();
    const cancelling = this.cancelOn(signal, request.queryId);
    try {
      const restore = lease === undefined ? '' : await changedBy(job, connection);
      try {
        await connection.query(preamble(job), 'Null');
        if (user.guarded) await this.guardTree(job, connection);
        signal.throwIfAborted();
        return await this.statement(job, connection, signal, sink, rows);
      } finally {
        if (restore !== '') await connection.query(restore, 'Null').catch(() => {});
      }
    } catch (error) {
      if (signal.aborted && !(error instanceof SinkError))
        throw ClickHouseException.of('QUERY_WAS_CANCELLED', 'Query was cancelled.');
      throw error;
    } finally {
      cancelling.stop();
      if (lease === undefined) connection.close();
      else lease.release();
    }
  }

  private async guardTree(job: Job, connection: Connection): Promise<void> {
    const tree = await connection.query(`EXPLAIN AST\n${utf8(job.statement.sql)}`, 'TSVRaw');
    const lines = Buffer.from(tree.bytes).toString('utf8').split('\n');
    checkTree(lines, job.request.database ?? 'default', this.parts.guard);
  }

  private async statement(
    job: Job,
    connection: Connection,
    signal: AbortSignal,
    sink: (chunk: Uint8Array) => Promise<void>,
    rows: { path: string; bytes: number } | undefined,
  ): Promise<Stats> {
    const { statement, request } = job;
    switch (statement.kind) {
      case 'select':
        return request.waitEnd
          ? this.selectWhole(statement, request.defaultFormat, connection, sink)
          : this.selectStreamed(statement, request.defaultFormat, connection, signal, sink);
      case 'insert': {
        const sql = insertFrom(statement, byteString(rows!.path));
        const answer = await connection.query(utf8(sql), 'Null');
        return {
          ...stats(answer, 0),
          writtenRows: answer.rowsRead,
          writtenBytes: rows!.bytes,
        };
      }
      default: {
        const sql = statement.kind === 'kill' ? killStatement(statement.sql) : statement.sql;
        const answer = await connection.query(utf8(sql), request.defaultFormat);
        if (answer.bytes.length > 0) await sink(answer.bytes);
        return stats(answer, answer.bytes.length);
      }
    }
  }

  private async selectStreamed(
    statement: Extract<Statement, { kind: 'select' }>,
    format: string,
    connection: Connection,
    signal: AbortSignal,
    sink: (chunk: Uint8Array) => Promise<void>,
  ): Promise<Stats> {
    const pipe = this.parts.pipes.open();
    const outcome = connection
      .query(utf8(selectInto(statement, byteString(pipe.path), format)), 'Null')
      .finally(() => pipe.finished());
    // Awaited below; until then a failure must not count as unhandled.
    outcome.catch(() => {});
    let bytes = 0;
    try {
      for await (const chunk of pipe.reader as AsyncIterable<Buffer>) {
        if (signal.aborted) break;
        bytes += chunk.length;
        await sink(chunk);
      }
      return stats(await outcome, bytes);
    } finally {
      await outcome.catch(() => {});
      pipe.release();
    }
  }

  /** wait_end_of_query: nothing is answered before the result is whole. It waits on disk, not in memory. */
  private async selectWhole(
    statement: Extract<Statement, { kind: 'select' }>,
    format: string,
    connection: Connection,
    sink: (chunk: Uint8Array) => Promise<void>,
  ): Promise<Stats> {
    const path = this.parts.spool.path();
    try {
      const answer = await connection.query(utf8(selectInto(statement, byteString(path), format)), 'Null');
      let bytes = 0;
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        await sink(chunk);
      }
      return stats(answer, bytes);
    } finally {
      this.parts.spool.remove(path);
    }
  }

  /** From the moment `signal` aborts, asks the engine to stop the query, again and again until it has. */
  private cancelOn(signal: AbortSignal, queryId: string): { stop(): void } {
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    const kill = async () => {
      const connection = this.parts.engine.open();
      try {
        await connection.query(
          `KILL QUERY WHERE Settings['log_comment'] = ${literal(queryId)} ASYNC`,
          'Null',
        );
      } catch {
        // Asked again below, as long as the query runs.
      } finally {
        connection.close();
      }
      if (!stopped) timer = setTimeout(() => void kill(), KILL_EVERY_MS);
    };
    const begin = () => void kill();
    signal.addEventListener('abort', begin, { once: true });
    return {
      stop: () => {
        stopped = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', begin);
      },
    };
  }
}

/** The client, not the engine, failed. */
class SinkError extends Error {}

/** What may run at all, before anything is opened. Throws ClickHouseException. */
function admit(job: Job, lists: GuardLists): void {
  const { statement, user, request } = job;
  const reads = statement.kind === 'select' || statement.kind === 'show';
  const harmless = reads || statement.kind === 'session';
  if (user.guarded ? !reads : job.readonly && !harmless)
    throw ClickHouseException.of('READONLY', `${user.name}: Cannot execute query in readonly mode.`);
  if (!user.guarded) return;
  if (request.database?.toLowerCase() === 'system')
    throw ClickHouseException.of(
      'ACCESS_DENIED',
      'analyst: Not enough privileges to enter the database system.',
    );
  checkSettings(request.settings, user.profile);
  checkText(statement.sql, lists);
}

/** Everything a statement runs under. readonly comes last: behind it nothing can be set any more. */
function preamble({ request, user, readonly }: Job): string {
  const given: [string, string][] = [
    ...Object.entries(user.profile),
    ...request.settings,
    ...[...request.params].map(([name, value]): [string, string] => [`param_${name}`, value]),
    // The engine names queries itself; this is how ours is found to be cancelled.
    ['log_comment', request.queryId],
  ];
  const own = given.filter(([name]) => name !== 'readonly');
  const level = user.guarded ? '1' : (request.settings.get('readonly') ?? (readonly ? '2' : undefined));
  return [
    ...(request.database === undefined ? [] : [`USE ${identifier(request.database)}`]),
    `SET ${own.map(([name, value]) => `${name} = ${literal(value)}`).join(', ')}`,
    ...(level === undefined ? [] : [`SET readonly = ${literal(level)}`]),
  ].join('; ');
}

/** In a session, settings in the address are for this query only: what brings back the session's own. */
async function changedBy({ request, readonly }: Job, connection: Connection): Promise<string> {
  const names = [...request.settings.keys(), ...(readonly ? ['readonly'] : [])];
  if (names.length === 0) return '';
  const answer = await connection.query(
    `SELECT name, value, changed FROM system.settings WHERE name IN (${names.map(literal).join(', ')})`,
    'JSONCompactEachRow',
  );
  const back = Buffer.from(answer.bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as [string, string, number])
    .map(([name, value, changed]) => `${name} = ${changed ? literal(value) : 'DEFAULT'}`);
  return back.length === 0 ? '' : `SET ${back.join(', ')}`;
}

const stats = (answer: Answer, resultBytes: number): Stats => ({
  readRows: answer.rowsRead,
  readBytes: answer.bytesRead,
  writtenRows: 0,
  writtenBytes: 0,
  resultBytes,
  elapsedSeconds: answer.elapsedSeconds,
});
