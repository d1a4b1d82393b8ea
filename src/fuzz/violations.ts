/** What is against the rules below OCPP: broken handshakes, and bytes that are no WebSocket frames (RFC 6455). */
import fc from 'fast-check';
import { enter, LIMIT_MS } from './talk.js';
import { frameOf, message, OPCODE, upgradeRequest, Wire } from './wire.js';

const heartbeat = Buffer.from('[2,"before","Heartbeat",{}]');
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

export interface Violation {
  readonly what: string;
  readonly bytes: Buffer;
  /** The close codes of which one must come; none = the peer cuts the line before it could. */
  readonly codes: readonly number[];
}

const violation = (what: string, given: fc.Arbitrary<Buffer>, ...codes: number[]): fc.Arbitrary<Violation> =>
  given.map((bytes) => ({ what, bytes, codes }));

const small = bytes(125);

export const violations: fc.Arbitrary<Violation> = fc.oneof(
  violation(
    'a frame without a mask',
    small.map((body) => frameOf(OPCODE.text, body, { masked: false })),
    1002,
  ),
  violation(
    'a reserved bit',
    fc
      .tuple(fc.integer({ min: 1, max: 7 }), small)
      .map(([reserved, body]) => frameOf(OPCODE.text, body, { reserved })),
    1002,
  ),
  violation(
    'a reserved opcode',
    fc
      .tuple(fc.constantFrom(3, 4, 5, 6, 7, 11, 12, 13, 14, 15), small)
      .map(([code, body]) => frameOf(code, body)),
    1002,
  ),
  violation(
    'a control frame that is too long or in pieces',
    fc
      .tuple(fc.constantFrom(OPCODE.ping, OPCODE.pong, OPCODE.close), fc.boolean())
      .map(([code, long]) =>
        long ? frameOf(code, Buffer.alloc(126)) : frameOf(code, Buffer.alloc(2), { fin: false }),
      ),
    1002,
  ),
  violation(
    'a continuation of nothing',
    small.map((body) => frameOf(OPCODE.more, body)),
    1002,
  ),
  violation(
    'a message within a message',
    small.map((body) =>
      Buffer.concat([frameOf(OPCODE.text, Buffer.from('['), { fin: false }), frameOf(OPCODE.text, body)]),
    ),
    1002,
  ),
  violation(
    'an enormous length',
    fc
      .constantFrom(256 * 1024 + 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER)
      .map((length) => frameOf(OPCODE.text, Buffer.alloc(20), { length })),
    1009,
  ),
  violation(
    'pieces that are too much together',
    fc.constant(
      Buffer.concat([
        frameOf(OPCODE.text, Buffer.alloc(200_000, 'x'), { fin: false }),
        frameOf(OPCODE.more, Buffer.alloc(200_000, 'x')),
      ]),
    ),
    1009,
  ),
  violation(
    'a close frame that says nothing valid',
    fc
      .constantFrom([0x00], [0x03, 0xec], [0x00, 0x00], [0x27, 0x10], [0x03, 0xe8, 0xff])
      .map((body) => frameOf(OPCODE.close, Buffer.from(body))),
    1002,
    1007,
  ),
  violation('any bytes at all', bytes(300)),
  violation(
    'a frame that never ends',
    fc.nat({ max: 200 }).map((length) => frameOf(OPCODE.text, Buffer.alloc(length), { length: length + 50 })),
  ),
  violation(
    'half a header',
    fc.constantFrom([0x81], [0x81, 0xfe], [0x81, 0xff, 0]).map((list) => Buffer.from(list)),
  ),
);

/** A valid CALL is answered; then the violation; then the connection ends, with a reason if there is one to give. */
export async function violate(
  port: number,
  id: string,
  { codes, bytes }: Violation,
): Promise<number | undefined> {
  const wire = await enter(port, id, 'ocpp1.6');
  try {
    wire.write(message(OPCODE.text, heartbeat));
    if (!(await wire.until(() => wire.texts.length === 1, LIMIT_MS)))
      throw new Error('closed before it began');
    wire.write(bytes);
    // Who has said only half of it goes away: what is left open then would stay so.
    if (codes.length === 0) wire.end();
    await wire.until(() => false, LIMIT_MS);
    const code = wire.ending?.code;
    if (codes.length > 0 && !codes.includes(code ?? 0))
      throw new Error(`closed with ${code ?? 'no code'} instead of ${codes.join(' or ')}`);
    return code;
  } finally {
    wire.destroy();
  }
}

export interface Handshake {
  readonly what: string;
  readonly head: string;
  /** The statuses that may answer it; none = the peer goes away before it has said all. */
  readonly statuses: readonly number[];
}

const valid = upgradeRequest('/ocpp/FUZZ-DOOR', 'ocpp1.6');
const without = (header: string): string => valid.replace(new RegExp(`${header}: .*\r\n`), '');
const handshake = (
  what: string,
  head: fc.Arbitrary<string>,
  ...statuses: number[]
): fc.Arbitrary<Handshake> => head.map((text) => ({ what, head: text, statuses }));

export const handshakes: fc.Arbitrary<Handshake> = fc.oneof(
  handshake(
    'a path that is not ours',
    fc
      .constantFrom('/', '/ocpp', '/ocppx/a', '/OCPP/a', '*', '//ocpp/a', '/../ocpp/a')
      .map((path) => upgradeRequest(path, 'ocpp1.6')),
    400,
    404,
  ),
  handshake(
    'an id that is none',
    fc
      .oneof(
        fc.constantFrom(
          '',
          '%',
          '%zz',
          '%00',
          '%ff',
          'a/b',
          '%2F',
          'a'.repeat(49),
          '%F0%9F%94%8C',
          '..%2f..',
        ),
        fc.string({ unit: 'binary' }).map((text) => `${encodeURIComponent(text.toWellFormed())}%0a`),
      )
      .map((id) => upgradeRequest(`/ocpp/${id}`, 'ocpp1.6')),
    400,
    404,
  ),
  handshake(
    'a protocol that is none of ours',
    fc
      .constantFrom('ocpp1.2', 'ocpp9.9', 'OCPP1.6', 'soap', 'ocpp1.6j', '__proto__')
      .map((protocol) => upgradeRequest('/ocpp/FUZZ-DOOR', protocol)),
    101,
  ),
  handshake(
    'a protocol list that is none',
    fc
      .constantFrom(',', 'a,,b', ' ', 'a b', 'ocpp1.6,ocpp1.6')
      .map((list) => upgradeRequest('/ocpp/FUZZ-DOOR', list)),
    400,
    101,
  ),
  handshake(
    'no upgrade',
    fc.constantFrom('GET', 'POST', 'HEAD').map((verb) => `${verb} /ocpp/a HTTP/1.1\r\nHost: a\r\n\r\n`),
    426,
  ),
  handshake(
    'a verb that does not upgrade',
    fc.constantFrom('POST', 'PUT', 'DELETE').map((verb) => valid.replace('GET', verb)),
    400,
    405,
  ),
  handshake(
    'no key, or a wrong one',
    fc.constantFrom(without('Sec-WebSocket-Key'), valid.replace(/Key: .*/, 'Key: short')),
    400,
  ),
  handshake(
    'another version',
    fc.constantFrom('7', '14', 'x', '').map((version) => valid.replace('Version: 13', `Version: ${version}`)),
    400,
    426,
  ),
  handshake(
    'another upgrade',
    fc.constantFrom(valid.replace('Upgrade: websocket', 'Upgrade: h2c')),
    400,
    426,
  ),
  handshake('headers without an end', fc.constant(`GET /ocpp/a HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`), 431),
  handshake(
    'no HTTP',
    fc
      .oneof(
        fc.string({ minLength: 30 }),
        fc.constantFrom('\r\n\r\n\0\0\0\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00'),
      )
      .map((text) => `${text}\r\n\r\n`),
    400,
    404,
    426,
    505,
  ),
  handshake(
    'a body that lies about itself',
    fc
      .constantFrom(
        'Content-Length: -1',
        'Content-Length: 5\r\nTransfer-Encoding: chunked',
        'Transfer-Encoding: x',
      )
      .map((header) => valid.replace('Host:', `${header}\r\nHost:`)),
    400,
    101,
    404,
  ),
  handshake(
    'half a request',
    fc.nat({ max: valid.length - 1 }).map((length) => valid.slice(0, length)),
  ),
  handshake('half a request, and silence', fc.constantFrom('', 'GET /ocpp/a HTTP/1.1\r\nHos'), 408),
);

/** It is answered with one of the statuses, then closed; a completed one that found no protocol is closed with 1002. */
export async function shake(port: number, { head, statuses }: Handshake): Promise<number | undefined> {
  const wire = Wire.begin(port, Buffer.from(head, 'latin1'));
  if (statuses.length === 0) wire.end();
  else await wire.until(() => wire.status !== undefined, LIMIT_MS);
  try {
    const { status } = wire;
    if (statuses.length > 0 && status !== 503 && !statuses.includes(status ?? 0))
      throw new Error(`answered with ${status ?? 'nothing'} instead of ${statuses.join(' or ')}`);
    if (status === 101) wire.write(frameOf(OPCODE.close, Buffer.from([0x03, 0xe8])));
    await wire.until(() => false, LIMIT_MS);
    return wire.status;
  } finally {
    wire.destroy();
  }
}
