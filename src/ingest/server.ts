/**
 * The door of the gateway: HTTP(S) requests in, admitted WebSockets out. The steps of `admit` are the whole
 * way of an upgrade, in order; each can end it with one reason out of `REFUSALS`.
 */
import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { WebSocketServer, type ServerOptions as WsOptions } from 'ws';
import { PROTOCOLS, type Protocol } from '../domain/ocpp/record.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { PasswordChecker } from '../registry/passwords.js';
import type { ChargePointDirectory, SecurityProfile } from '../registry/ports.js';
import type { FramePublisher } from '../streams/ports.js';
import { ADMISSION, AddressBook, Admission, type AdmissionLimits } from './admission.js';
import { type Admittance, authenticate, presentedBy } from './authenticate.js';
import { CLOSE, type Clock } from './connection.js';
import type { Gateway } from './gateway.js';
import { identify } from './identity.js';
import type { IngestMetrics } from './metrics.js';
import { REFUSALS, type RefusalReason, refusalAnswer, refuseUpgrade } from './refusals.js';

const MAX_HEADER_BYTES = 8 * 1024;
/** For the peer's half of a closing handshake. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface ServerContext {
  readonly host: string;
  /** 0 = any free. */
  readonly port: number;
  /** With it the port speaks wss. */
  readonly tls?: Pick<TlsOptions, 'cert' | 'key' | 'ca'>;
  readonly rule: Admittance;
  readonly maxFrameBytes: number;
  readonly handshakeMs: number;
  readonly connectionsPerAddress: number;
  readonly admission?: AdmissionLimits;
  readonly publisher: Pick<FramePublisher, 'state'>;
  readonly directory: Pick<ChargePointDirectory, 'find'>;
  readonly gateway: Gateway;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface IngestServer {
  readonly port: number;
  /** Nobody comes in any more (503); those inside stay. */
  stopAdmitting(): void;
  close(): Promise<void>;
}

/** `closeTimeout` (ws 8.19) is missing in its types. */
type WebSocketOptions = WsOptions & { closeTimeout: number };

/** What a request turned out to be, before its handshake is completed. */
type Judged =
  | { readonly id: string; readonly securityProfile: SecurityProfile; readonly keyName: string | undefined }
  | { readonly refusal: RefusalReason; readonly retryAfterSeconds?: number };

export async function listen(context: ServerContext): Promise<IngestServer> {
  const { gateway, metrics, publisher, clock } = context;
  const admission = new Admission(context.admission ?? ADMISSION);
  const addresses = new AddressBook(context.connectionsPerAddress);
  const passwords = new PasswordChecker();
  const open = new Set<Socket>();
  const log = throttled(context.log);
  let stopping = false;
  const isStalled = (): boolean => publisher.state === 'stalled';

  const http: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: context.handshakeMs,
    requestTimeout: context.handshakeMs,
    connectionsCheckingInterval: Math.min(1_000, context.handshakeMs),
    keepAliveTimeout: 1_000,
  };
  const server =
    context.tls === undefined
      ? createServer(http)
      : createTlsServer({
          ...http,
          ...context.tls,
          handshakeTimeout: context.handshakeMs,
          minVersion: 'TLSv1.2',
          // Asked of all, judged per charge point: profiles 2 and 3 share the port.
          requestCert: context.tls.ca !== undefined,
          rejectUnauthorized: false,
        });
  const webSocket: WebSocketOptions = {
    noServer: true,
    clientTracking: false,
    maxPayload: context.maxFrameBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Required of a CSMS by 2.0.1 Part 4, section 3.3. Our answers are shorter than the threshold and go out as
    // they are; what comes in compressed is inflated without keeping the last message around.
    perMessageDeflate: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      threshold: 1_024,
      zlibDeflateOptions: { level: 3 },
    },
    // ws echoes the first offer, even ocpp9.9, unless told otherwise. False: the handshake ends without the header.
    handleProtocols: (offered) => preferred(offered) ?? false,
  };
  const sockets = new WebSocketServer(webSocket);

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    addresses.enter(address);
    open.add(socket);
    socket.once('close', () => {
      addresses.leave(address);
      open.delete(socket);
    });
  });
  server.on('request', (request, response) => {
    const identified = identify(request.url ?? '');
    const reason = 'refusal' in identified ? identified.refusal : 'NOT_WEBSOCKET';
    metrics.refusals.add(reason);
    const answer = refusalAnswer(reason);
    response.writeHead(answer.status, { ...answer.headers });
    response.end(answer.body);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const reason =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? 'HEADERS_TOO_LARGE'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? 'HANDSHAKE_TIMEOUT'
          : 'BAD_REQUEST';
    metrics.refusals.add(reason);
    if (socket.writable) refuseUpgrade(socket, refusalAnswer(reason));
    else socket.destroy();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until ws has the socket nobody listens for its errors, and a scrypt may lie between.
    const ignore = (): void => {};
    socket.on('error', ignore);
    void admit(request).then((judged) => {
      if (socket.destroyed) return;
      if ('refusal' in judged) refuse(judged.refusal, judged.retryAfterSeconds, request, socket);
      else {
        socket.off('error', ignore);
        complete(judged, request, socket, head);
      }
    });
  });

  /** The way of an upgrade: cheap questions first, the one that costs a scrypt last. */
  async function admit(request: IncomingMessage): Promise<Judged> {
    const comeBack = (refusal: RefusalReason): Judged => ({
      refusal,
      retryAfterSeconds: admission.retryAfterSeconds(),
    });
    if (stopping) return comeBack('STOPPING');
    if (addresses.isCrowded(request.socket.remoteAddress ?? '')) return comeBack('TOO_MANY_FROM_ADDRESS');
    const identified = identify(request.url ?? '');
    if ('refusal' in identified) return identified;
    if (isStalled()) return comeBack('STALLED');
    if (!admission.enter(clock.monotonic())) return comeBack('RUSH');
    try {
      const verdict = await authenticate(
        identified.id,
        presentedBy(request),
        context.directory,
        passwords,
        context.rule,
      );
      if ('refusal' in verdict) return verdict;
      // Both may have changed while the password was checked.
      if (stopping) return comeBack('STOPPING');
      if (isStalled()) return comeBack('STALLED');
      return { id: identified.id, securityProfile: verdict.securityProfile, keyName: verdict.keyName };
    } catch (error) {
      context.log.error({ code: 'ADMISSION_DEFECT', error: messageOf(error) }, 'an upgrade failed');
      return { refusal: 'DEFECT' };
    } finally {
      admission.leave();
    }
  }

  function refuse(
    reason: RefusalReason,
    retryAfterSeconds: number | undefined,
    request: IncomingMessage,
    socket: Duplex,
  ): void {
    metrics.refusals.add(reason);
    log({ reason, path: request.url, address: request.socket.remoteAddress }, 'not let in');
    refuseUpgrade(socket, refusalAnswer(reason, retryAfterSeconds));
  }

  function complete(
    judged: { id: string; securityProfile: SecurityProfile; keyName: string | undefined },
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    sockets.handleUpgrade(request, socket, head, (connected) => {
      const protocol = connected.protocol as Protocol | '';
      if (protocol === '') {
        // OCPP-J 1.6 section 3.2: complete the handshake without the header, then close at once.
        metrics.refusals.add('NO_COMMON_PROTOCOL');
        connected.on('error', () => {});
        connected.close(CLOSE.protocolError, REFUSALS.NO_COMMON_PROTOCOL.sentence);
        return;
      }
      gateway.admit(connected, {
        chargePointId: judged.id,
        protocol,
        address: request.socket.remoteAddress ?? '',
        securityProfile: judged.securityProfile,
        keyName: judged.keyName,
      });
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new WattstreamError('LISTEN_FAILED', `Cannot listen: ${messageOf(cause)}`, {
          cause,
          remedy: 'Choose another WATTSTREAM_INGEST_PORT or WATTSTREAM_INGEST_HOST, or end what holds it.',
        }),
      ),
    );
    // Thousands of chargers come at once after a power cut; the kernel cuts this to its own somaxconn.
    server.listen({ host: context.host, port: context.port, backlog: 4_096 }, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    stopAdmitting: () => {
      stopping = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Upgraded ones too: a peer that never finishes its closing handshake must not hold the process up.
        for (const socket of open) socket.destroy();
      }),
  };
}

/** The client lists its protocols in its order of preference (RFC 6455 section 1.9). */
function preferred(offered: ReadonlySet<string>): Protocol | undefined {
  for (const offer of offered) {
    const known = PROTOCOLS.find((protocol) => protocol === offer);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** Ten lines a second tell an operator what is wrong; ten thousand hide it. */
function throttled(log: Logger): (fields: object, sentence: string) => void {
  let second = 0;
  let lines = 0;
  return (fields, sentence) => {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) [second, lines] = [now, 0];
    if (++lines <= 10) log.info(fields, sentence);
  };
}
