import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import type { Stats } from '../execute.js';
import { type ClickHouseException, httpStatus } from '../protocol/errors.js';

/** Kept back before the status is sent, so that a query failing early still answers with its error's status. */
const HELD_BYTES = 64 * 1024;

const TYPES: [RegExp, string][] = [
  [
    /^(JSON|JSONCompact|JSONStrings|JSONCompactStrings|JSONColumns\w*|JSONObjectEachRow|GeoJSON)$/i,
    'application/json; charset=UTF-8',
  ],
  [/^(JSON\w*EachRow\w*|NDJSON)$/i, 'application/x-ndjson; charset=UTF-8'],
  [/^(TabSeparated|TSV)/i, 'text/tab-separated-values; charset=UTF-8'],
  [/^CSV/i, 'text/csv; charset=UTF-8; header=absent'],
  [/^XML$/i, 'application/xml; charset=UTF-8'],
  [
    /^(Native|RowBinary\w*|Parquet|Arrow\w*|ORC|Avro|MsgPack|Protobuf\w*|CapnProto|BSONEachRow|Npy)$/i,
    'application/octet-stream',
  ],
];

export const contentType = (format: string): string =>
  TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8';

/** The answer to one query: held back, then streamed, perhaps compressed, perhaps broken off with its error. */
export class Reply {
  private readonly tag = randomBytes(8).toString('hex');
  private readonly held: Uint8Array[] = [];
  private heldBytes = 0;
  private packer: Transform | undefined;
  private started = false;
  constructor(
    private readonly response: ServerResponse,
    private readonly options: {
      format: string;
      compression: { encoding: string; level: number } | undefined;
    },
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.started) {
      this.held.push(chunk);
      this.heldBytes += chunk.length;
      if (this.heldBytes < HELD_BYTES) return;
      this.start();
      for (const piece of this.held.splice(0)) await this.push(piece);
      return;
    }
    await this.push(chunk);
  }

  async end(stats: Stats): Promise<void> {
    if (!this.started) {
      this.response.setHeader('X-ClickHouse-Summary', summary(stats));
      const whole = Buffer.concat(this.held);
      if (this.options.compression === undefined) this.response.setHeader('Content-Length', whole.length);
      this.start();
      if (whole.length > 0) await this.push(whole);
    }
    if (this.packer === undefined) this.response.end();
    else this.packer.once('end', () => this.response.end()).end();
  }

  /**
   * Before the first byte: an error with its status. After it: the server's marker (since 25.11; found by
   * X-ClickHouse-Exception-Tag), and the connection is cut without the last chunk, so that nobody takes a torn
   * result for a whole one.
   */
  async fail(exception: ClickHouseException): Promise<void> {
    if (!this.started) {
      sendError(this.response, exception);
      return;
    }
    const text = Buffer.from(`${exception.body}\n`);
    const marker = Buffer.concat([
      Buffer.from(`\r\n__exception__\r\n${this.tag}\r\n`),
      text,
      Buffer.from(`${text.length} ${this.tag}\r\n__exception__\r\n`),
    ]);
    // What was written to the socket is sent before it ends.
    const cut = () => this.response.socket?.end();
    if (this.packer === undefined) this.response.write(marker, cut);
    else this.packer.once('end', cut).end(marker);
  }

  private start(): void {
    this.started = true;
    const { response, options } = this;
    response.statusCode = 200;
    response.setHeader('Content-Type', contentType(options.format));
    response.setHeader('X-ClickHouse-Format', options.format);
    response.setHeader('X-ClickHouse-Exception-Tag', this.tag);
    if (options.compression === undefined) return;
    response.setHeader('Content-Encoding', options.compression.encoding);
    response.setHeader('Vary', 'Accept-Encoding');
    this.packer = packer(options.compression);
    // Not ended by the pipe: a torn result must not get its last chunk.
    this.packer.pipe(response, { end: false });
  }

  private async push(chunk: Uint8Array): Promise<void> {
    const target = this.packer ?? this.response;
    if (this.response.destroyed) throw new Error('the client left');
    if (target.write(chunk)) return;
    const left = new AbortController();
    const gone = () => left.abort();
    this.response.once('close', gone);
    try {
      await once(target, 'drain', { signal: left.signal });
    } finally {
      this.response.off('close', gone);
    }
  }
}

const packer = ({ encoding, level }: { encoding: string; level: number }): Transform =>
  encoding === 'br'
    ? createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: Math.min(level, 4) } })
    : encoding === 'gzip'
      ? createGzip({ level })
      : createDeflate({ level });

/** The encoding to answer in, in the order in which ClickHouse prefers them; undefined = as it is. */
export function acceptedEncoding(request: IncomingMessage): string | undefined {
  const accepted = String(request.headers['accept-encoding'] ?? '')
    .split(',')
    .map((entry) => entry.trim().split(';'))
    .filter(([, quality]) => !/^\s*q=0(\.0*)?$/.test(quality ?? ''))
    .map(([name]) => name!.toLowerCase());
  return ['br', 'gzip', 'deflate'].find((encoding) => accepted.includes(encoding));
}

export function sendError(response: ServerResponse, exception: ClickHouseException, status?: number): void {
  const body = Buffer.from(`${exception.body}\n`);
  response.statusCode = status ?? httpStatus(exception.code);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('X-ClickHouse-Exception-Code', exception.code);
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

const summary = (stats: Stats): string =>
  JSON.stringify({
    read_rows: String(stats.readRows),
    read_bytes: String(stats.readBytes),
    written_rows: String(stats.writtenRows),
    written_bytes: String(stats.writtenBytes),
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: String(stats.resultBytes),
    elapsed_ns: String(Math.round(stats.elapsedSeconds * 1e9)),
  });
