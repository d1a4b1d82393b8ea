import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { answerOps } from '../../../platform/lifecycle.js';
import type { Logger } from '../../../platform/logger.js';
import type { Registry } from '../../../platform/metrics.js';
import { type Door, refusal } from '../access/door.js';
import type { User, Users } from '../access/users.js';
import type { Executor, Stats } from '../execute.js';
import type { EngineMetrics } from '../metrics.js';
import { ClickHouseException, fromEngine } from '../protocol/errors.js';
import { type ClickHouseRequest, readRequest } from '../protocol/request.js';
import { readStatement, type Statement } from '../protocol/statement.js';
import { decoded, HEAD_BYTES, split } from './body.js';
import { acceptedEncoding, Reply, sendError } from './reply.js';

export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  readonly door: Door;
  readonly users: Users;
  readonly executor: Executor;
  readonly version: string;
  readonly timezone: string;
  readonly metrics: EngineMetrics;
  readonly registry: Registry;
  readonly log: Logger;
  readonly drainMs: number;
}

/** Statements other than INSERT stand in memory whole, so they end somewhere. */
const STATEMENT_BYTES = 16 * 1024 * 1024;

/** The ClickHouse HTTP interface. Resolves when it listens; rejects with the socket's error. */
export async function serve(options: FrontOptions): Promise<{ port: number; close(): Promise<void> }> {
  let closing = false;
  const server: Server = createServer(
    // Queries may stand in the address (http_max_uri_size of a server: 1 MiB); uploads may take their time.
    { maxHeaderSize: 1024 * 1024, requestTimeout: 0, keepAliveTimeout: 10_000 },
    (request, response) => {
      if (closing) response.setHeader('Connection', 'close');
      void answer(request, response, options, () => closing);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await options.executor.drain(options.drainMs);
      server.closeIdleConnections();
      // Answers are handed over; what is still open is a client that does not read.
      const cut = setTimeout(() => server.closeAllConnections(), 500);
      await closed;
      clearTimeout(cut);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: FrontOptions,
  closing: () => boolean,
): Promise<void> {
  response.setHeader('X-ClickHouse-Server-Display-Name', hostname());
  response.setHeader('X-ClickHouse-Timezone', options.timezone);
  // A client that leaves is noticed where it matters, on 'close'.
  response.on('error', () => {});
  request.on('error', () => {});
  try {
    const why = refusal(request.headers, options.door);
    if (why !== undefined) throw ClickHouseException.of('ACCESS_DENIED', why);
    const url = new URL(request.url ?? '/', 'http://clickhouse');
    switch (url.pathname) {
      case '/ping':
      case '/replicas_status':
        return text(response, 200, 'Ok.\n');
      case '/metrics':
      case '/health/live':
      case '/health/ready': {
        const health = { ready: () => (closing() ? 'stopping' : undefined) };
        const ops = await answerOps(url.pathname, health, options.registry);
        return text(response, ops.status, ops.body, ops.type);
      }
      case '/':
      case '/query':
        return await query(request, response, url, options);
      default:
        return text(
          response,
          404,
          `There is no handle ${url.pathname}\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...\n`,
        );
    }
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const exception = fromEngine(error, options.version);
    request.resume();
    sendError(response, exception);
  }
}

const text = (
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=UTF-8',
): void => {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
};

async function query(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  options: FrontOptions,
): Promise<void> {
  const method = request.method ?? 'GET';
  if (!['GET', 'HEAD', 'POST'].includes(method)) {
    response.setHeader('Allow', 'GET, HEAD, POST');
    return text(response, 405, 'Only GET, HEAD and POST are served here\n');
  }
  const bodiless = method !== 'POST';
  if (bodiless && !url.searchParams.has('query')) return text(response, 200, 'Ok.\n');
  const asked = readRequest(url, request.headers);
  response.setHeader('X-ClickHouse-Query-Id', asked.queryId.replace(/[^\x20-\x7e]/g, '?'));
  let user: User;
  try {
    user = options.users.admit(asked.credentials);
  } catch (error) {
    request.resume();
    if (!asked.credentials.given)
      response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
    return sendError(response, error as ClickHouseException, asked.credentials.given ? 403 : 401);
  }
  await run(request, response, asked, user, bodiless, options);
}

async function run(
  request: IncomingMessage,
  response: ServerResponse,
  asked: ClickHouseRequest,
  user: User,
  readonly: boolean,
  options: FrontOptions,
): Promise<void> {
  const started = performance.now();
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  let kind = 'unread';
  const finished = (code: number, stats?: Stats) =>
    options.metrics.finished({
      kind,
      user: user.name,
      code,
      seconds: (performance.now() - started) / 1_000,
      bytes: stats?.resultBytes ?? 0,
      rows: stats?.writtenRows ?? 0,
    });
  let reply: Reply | undefined;
  try {
    const { statement, rows } = await statementOf(request, asked);
    kind = statement.kind;
    const format = ('format' in statement ? statement.format : undefined) ?? asked.defaultFormat;
    const encoding = asked.compress ? acceptedEncoding(request) : undefined;
    const answering = new Reply(response, {
      format,
      compression: encoding === undefined ? undefined : { encoding, level: asked.compressionLevel },
    });
    reply = answering;
    const stats = await options.executor.run(
      { statement, request: asked, user, readonly, rows },
      left.signal,
      (chunk) => answering.write(chunk),
    );
    await reply.end(stats);
    finished(0, stats);
  } catch (error) {
    const exception = fromEngine(error, options.version);
    finished(exception.code);
    if (left.signal.aborted) return;
    options.log.debug({ code: exception.code, error: exception.body, kind, user: user.name }, 'query failed');
    request.resume();
    if (reply === undefined) sendError(response, exception);
    else await reply.fail(exception);
  }
}

/** The statement, and the rows behind it when it is an INSERT: `query` of the address, then the body. */
async function statementOf(
  request: IncomingMessage,
  asked: ClickHouseRequest,
): Promise<{ statement: Statement; rows: AsyncIterable<Uint8Array> | undefined }> {
  const inAddress = Buffer.from(asked.query, 'utf8').toString('latin1');
  if (request.method !== 'POST') return { statement: readStatement(inAddress), rows: undefined };
  const { head, rest, ended } = await split(decoded(request), HEAD_BYTES);
  const joint = inAddress !== '' && head.length > 0 ? '\n' : '';
  const text = `${inAddress}${joint}${head.toString('latin1')}`;
  if (/^(?:[\s(]|--[^\n]*\n|\/\*[\s\S]*?\*\/)*insert\b/i.test(text)) {
    const statement = readStatement(text);
    if (statement.kind === 'insert') return { statement, rows: ended ? undefined : rest };
  }
  if (ended) return { statement: readStatement(text), rows: undefined };
  const chunks: Buffer[] = [head];
  let bytes = head.length;
  for await (const chunk of rest) {
    bytes += chunk.length;
    if (bytes > STATEMENT_BYTES)
      throw ClickHouseException.of('TOO_LARGE_STRING_SIZE', `A statement may have ${STATEMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return {
    statement: readStatement(`${inAddress}${joint}${Buffer.concat(chunks).toString('latin1')}`),
    rows: undefined,
  };
}
