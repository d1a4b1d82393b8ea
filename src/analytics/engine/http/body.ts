import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ClickHouseException } from '../protocol/errors.js';

/** A statement, or the head of an INSERT, is looked for in this much of a body; as max_query_size of a server. */
export const HEAD_BYTES = 262_144;

const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;

/** The body with its Content-Encoding taken off. */
export function decoded(request: IncomingMessage): AsyncIterable<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return request;
  const decoder = DECODERS[encoding as keyof typeof DECODERS];
  if (decoder === undefined)
    throw ClickHouseException.of(
      'NOT_IMPLEMENTED',
      `Content-Encoding ${encoding} is not offered here; gzip, deflate and br are`,
    );
  const stream = decoder();
  request.on('error', (error) => stream.destroy(error));
  // A request that breaks off must not look like one that ended.
  request.on('close', () => {
    if (!request.complete) stream.destroy(new Error('the client broke off'));
  });
  request.pipe(stream);
  return translated(stream);
}

async function* translated(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!/^Z_|^ERR_.*(BROTLI|DECOMP)|^ERR__ERROR/.test(code)) throw error;
    throw ClickHouseException.of('CANNOT_DECOMPRESS', `Cannot decompress the request: ${code}`);
  }
}

/** The first bytes (at least `least`, unless it ends sooner) and what comes after them. */
export async function split(
  body: AsyncIterable<Buffer>,
  least: number,
): Promise<{ head: Buffer; rest: AsyncIterable<Buffer>; ended: boolean }> {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  while (bytes < least && !ended) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else {
      chunks.push(next.value);
      bytes += next.value.length;
    }
  }
  return { head: Buffer.concat(chunks), rest: { [Symbol.asyncIterator]: () => iterator }, ended };
}
