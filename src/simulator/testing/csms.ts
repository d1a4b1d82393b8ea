import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

type Payload = Record<string, unknown>;

/** A charger's CALL as this server got it. */
export interface Received {
  readonly chargePointId: string;
  /** Counts the charger's connections from 1. */
  readonly connection: number;
  readonly action: string;
  readonly messageId: string;
  readonly payload: Payload;
  readonly text: string;
}

/** A CALLRESULT's payload, a CALLERROR, or nothing at all. */
export type Answer = Payload | { callError: string } | 'silence';

export interface Csms {
  readonly url: string;
  readonly received: Received[];
  of(chargePointId: string, action?: string): Received[];
  /** Sends a CALL; resolves with the charger's reply, parsed: `[3, id, payload]` or `[4, id, code, ...]`. */
  call(chargePointId: string, action: string, payload: Payload): Promise<unknown[]>;
  /** Close codes seen, by charge point. */
  readonly closes: { chargePointId: string; code: number }[];
  readonly authorizations: Map<string, string | undefined>;
  online(): string[];
  /** Cuts every connection. */
  drop(): void;
  close(): Promise<void>;
}

export interface CsmsOptions {
  /** `undefined` = the default answer. */
  readonly answer?: (call: Received) => Answer | undefined;
  /** HTTP status with which to refuse the upgrade. */
  readonly refuse?: (chargePointId: string, attempt: number) => number | undefined;
  /** Milliseconds before each answer. */
  readonly delayMs?: () => number;
}

/**
 * A small central system for tests: accepts everybody, makes transaction ids of the start's natural key
 * alone (the same start, resent, gets the same id, in another run too), keeps what it got, and can be made to misbehave.
 */
export async function startCsms({ answer, refuse, delayMs }: CsmsOptions = {}): Promise<Csms> {
  const received: Received[] = [];
  const closes: Csms['closes'] = [];
  const authorizations = new Map<string, string | undefined>();
  const sockets = new Map<string, WebSocket>();
  const connections = new Map<string, number>();
  const attempts = new Map<string, number>();
  const pending = new Map<string, (reply: unknown[]) => void>();
  let nextCall = 1;

  const usual = ({ chargePointId, action, payload }: Received): Payload => {
    switch (action) {
      case 'BootNotification':
        return { status: 'Accepted', currentTime: new Date().toISOString(), interval: 300 };
      case 'Heartbeat':
        return { currentTime: new Date().toISOString() };
      case 'Authorize':
        return 'idTag' in payload
          ? { idTagInfo: { status: 'Accepted' } }
          : { idTokenInfo: { status: 'Accepted' } };
      case 'StartTransaction': {
        const { connectorId, idTag, timestamp, meterStart } = payload;
        const key = JSON.stringify([chargePointId, connectorId, idTag, timestamp, meterStart]);
        const transactionId = createHash('sha1').update(key).digest().readUInt32BE() >>> 1;
        return { transactionId, idTagInfo: { status: 'Accepted' } };
      }
      case 'TransactionEvent':
        return 'idToken' in payload ? { idTokenInfo: { status: 'Accepted' } } : {};
      default:
        return {};
    }
  };

  const http = createServer();
  const server = new WebSocketServer({ noServer: true, handleProtocols: ([first]) => first ?? false });
  http.on('upgrade', (request, socket, head) => {
    const chargePointId = decodeURIComponent(request.url!.split('/').at(-1)!);
    const attempt = (attempts.get(chargePointId) ?? 0) + 1;
    attempts.set(chargePointId, attempt);
    authorizations.set(chargePointId, request.headers.authorization);
    const status = refuse?.(chargePointId, attempt);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    server.handleUpgrade(request, socket, head, (ws) => {
      const connection = (connections.get(chargePointId) ?? 0) + 1;
      connections.set(chargePointId, connection);
      sockets.set(chargePointId, ws);
      ws.on('error', () => {});
      ws.on('close', (code) => {
        closes.push({ chargePointId, code });
        if (sockets.get(chargePointId) === ws) sockets.delete(chargePointId);
      });
      ws.on('message', (data) => {
        const text = data.toString();
        const frame = JSON.parse(text) as [number, string, string, Payload];
        if (frame[0] !== 2) {
          pending.get(frame[1])?.(frame);
          pending.delete(frame[1]);
          return;
        }
        const [, messageId, action, payload] = frame;
        const call = { chargePointId, connection, action, messageId, payload, text };
        received.push(call);
        const given = answer?.(call) ?? usual(call);
        if (given === 'silence') return;
        const reply = 'callError' in given ? [4, messageId, given.callError, '', {}] : [3, messageId, given];
        const wait = delayMs?.() ?? 0;
        if (wait > 0) setTimeout(() => ws.send(JSON.stringify(reply)), wait).unref();
        else ws.send(JSON.stringify(reply));
      });
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');

  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ocpp`,
    received,
    closes,
    authorizations,
    of: (chargePointId, action) =>
      received.filter(
        (call) => call.chargePointId === chargePointId && (action === undefined || call.action === action),
      ),
    call: (chargePointId, action, payload) =>
      new Promise((resolve, reject) => {
        const socket = sockets.get(chargePointId);
        if (socket === undefined) return reject(new Error(`${chargePointId} is offline`));
        const messageId = `csms-${nextCall++}`;
        pending.set(messageId, resolve);
        socket.send(JSON.stringify([2, messageId, action, payload]));
      }),
    online: () => [...sockets.keys()],
    drop: () => {
      for (const socket of sockets.values()) socket.terminate();
    },
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
