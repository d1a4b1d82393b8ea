/**
 * Every reason for which a charger is not let in: one closed table. The code stands in the body of the
 * answer, in the metric `wattstream_ingest_refusals_total{reason}` and in the log.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROTOCOLS } from '../domain/ocpp/record.js';

export const REFUSALS = {
  NOT_OCPP_PATH: { status: 404, sentence: 'Chargers connect to /ocpp/<charge point id>.' },
  NOT_WEBSOCKET: { status: 426, sentence: 'OCPP-J runs over WebSocket: GET with "Upgrade: websocket".' },
  BAD_REQUEST: { status: 400, sentence: 'This is no HTTP request that can be understood.' },
  HANDSHAKE_TIMEOUT: { status: 408, sentence: 'The request did not arrive in time.' },
  HEADERS_TOO_LARGE: { status: 431, sentence: 'The headers are larger than 8 KiB.' },
  ID_INVALID: {
    status: 400,
    sentence:
      'The charge point id must be percent-encoded and have 1 to 48 printable ASCII characters without "/".',
  },
  CHARGE_POINT_UNKNOWN: { status: 404, sentence: 'No charge point is registered under this id.' },
  CREDENTIALS_MISSING: {
    status: 401,
    sentence: 'Basic credentials are needed: user name = charge point id.',
  },
  CREDENTIALS_WRONG: { status: 401, sentence: 'User name or password is wrong.' },
  TLS_REQUIRED: {
    status: 403,
    sentence: 'This charge point is registered for TLS (security profile 2 or 3).',
  },
  CERTIFICATE_MISSING: { status: 401, sentence: 'A client certificate of the trusted CA is needed.' },
  CERTIFICATE_OTHER: { status: 401, sentence: 'The client certificate is of another charge point.' },
  PLAIN_NOT_ALLOWED: {
    status: 403,
    sentence: 'Charge points without credentials (profile 0) are not admitted here.',
  },
  /** The one refusal after the handshake, as OCPP-J 1.6 section 3.2 wants it: the sentence is the close reason. */
  NO_COMMON_PROTOCOL: { status: 101, sentence: `One of ${PROTOCOLS.join(', ')} is needed.` },
  TOO_MANY_FROM_ADDRESS: { status: 429, sentence: 'Too many connections from this address.' },
  RUSH: { status: 503, sentence: 'Too many chargers connect at once; come back later.' },
  STALLED: { status: 503, sentence: 'Frames cannot be kept at the moment; come back later.' },
  STOPPING: { status: 503, sentence: 'This gateway is being stopped; come back at once.' },
  DEFECT: { status: 500, sentence: 'The gateway failed to judge this request.' },
} as const satisfies Record<string, { status: number; sentence: string }>;

export type RefusalReason = keyof typeof REFUSALS;

export interface RefusalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `retryAfterSeconds` is told where waiting helps (429, 503). */
export function refusalAnswer(reason: RefusalReason, retryAfterSeconds?: number): RefusalAnswer {
  const { status, sentence } = REFUSALS[reason];
  const body = `${reason}: ${sentence}\n`;
  const headers: Record<string, string> = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  if (status === 401) headers['WWW-Authenticate'] = 'Basic realm="ocpp", charset="UTF-8"';
  if (status === 426) headers.Upgrade = 'websocket';
  return { status, headers, body };
}

/** Answers an upgrade on the bare socket and lets go of it, also of a peer that never reads. */
export function refuseUpgrade(socket: Duplex, answer: RefusalAnswer): void {
  socket.once('finish', () => socket.destroy());
  const head = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${head.join('')}\r\n${answer.body}`,
  );
}
