/**
 * One connection to a broker, used by one publisher or one reader, and thrown away at the first fault.
 *
 * `rabbitmq-stream-js-client` does the sockets' handshake and the requests that have an answer. Its own
 * recovery is not used at all, because it loses records; and these of its habits are put right here, which is
 * the only file that reaches into it (hence the version check):
 * - the handshake runs in an unguarded async listener: a wrong password ends the process. We run its steps;
 * - requests that wait when the socket dies never settle. Every call here ends with the connection, or in time;
 * - received data is described in debug strings even when nobody logs (two thirds of the CPU), copied once per
 *   read, and a message it cannot decode throws within the socket's listener. We cut the frames, take those
 *   that carry data (`frames.ts`), hand it the rest, and a throw ends this connection only;
 * - its heartbeat counts what was sent as a sign of life, so that a half-open connection is never noticed. We
 *   count what was received; the broker sends something at least every half interval;
 * - Nagle's algorithm stays on, which costs 40 ms per small exchange.
 */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { Connection } from 'rabbitmq-stream-js-client/dist/connection.js';
import { CloseRequest } from 'rabbitmq-stream-js-client/dist/requests/close_request.js';
import { MetadataRequest } from 'rabbitmq-stream-js-client/dist/requests/metadata_request.js';
import type { Request } from 'rabbitmq-stream-js-client/dist/requests/request.js';
import type { MetadataResponse } from 'rabbitmq-stream-js-client/dist/responses/metadata_response.js';
import type { Response } from 'rabbitmq-stream-js-client/dist/responses/response.js';
import type { BrokerAddress } from '../../platform/config.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { firstToAnswer } from '../../platform/first-to-answer.js';
import { withTimeout } from '../../platform/retry.js';
import { ascii } from '../names.js';
import { addressesOf, shuffled } from './addresses.js';
import {
  closeReason,
  creditError,
  FrameSplitter,
  firstPublishError,
  HEARTBEAT,
  KEY,
  metadataUpdate,
} from './frames.js';

/** The version whose internals are used below. Another one must be read and tested before it is let in. */
export const CLIENT_VERSION = '1.0.0';

export interface ClientOptions {
  /** With its `others`: any of them will do. */
  readonly address: BrokerAddress;
  /** PEM texts; used when `address.tls`. The broker's certificate is always verified. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Shown by the broker's management. ASCII. */
  readonly name: string;
  /** For connecting, and for each request. Default 10 000. */
  readonly timeoutMs?: number;
  /** Silence of twice this ends the connection. Default 5. */
  readonly heartbeatSeconds?: number;
}

/** What the broker sends of its own accord. */
export interface Taps {
  /** Frames with these keys; `frame` is only valid during the call. */
  onFrame(key: number, frame: Buffer): void;
}

/** The client's parts that its types call private. */
interface Internals {
  socket: Socket;
  received(data: Buffer): void;
  readonly decoder: { add(data: Buffer, compression: (type: number) => unknown): void };
  getCompression(type: number): unknown;
  peerProperties: Record<string, string>;
  exchangeProperties(): Promise<{ properties: Record<string, string> }>;
  auth(params: { username: string; password: string; mechanism: string }): Promise<unknown>;
  tune(heartbeatSeconds: number): Promise<{ heartbeat: number }>;
  open(params: { virtualHost: string }): Promise<{ ok: boolean; error?: Error }>;
  exchangeCommandVersions(): Promise<unknown>;
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Throws STREAM_CLIENT_VERSION when another client is installed than the one this file was written for. */
export function checkClientVersion(
  installed = (
    createRequire(import.meta.url)('rabbitmq-stream-js-client/package.json') as { version: string }
  ).version,
): void {
  if (installed === CLIENT_VERSION) return;
  throw new WattstreamError(
    'STREAM_CLIENT_VERSION',
    `rabbitmq-stream-js-client ${installed} is installed, ${CLIENT_VERSION} is needed`,
    {
      remedy: `Install ${CLIENT_VERSION}, or review src/streams/rabbitmq/client.ts against the new version.`,
    },
  );
}

export class StreamClient {
  /** Set by the owner before its first request. */
  taps: Taps = { onFrame: () => {} };
  /** Resolves (never rejects) with the reason once the connection is gone. */
  readonly gone: Promise<WattstreamError>;
  private reason: WattstreamError | undefined;
  private settleGone!: (reason: WattstreamError) => void;
  private readonly waiting = new Set<(reason: WattstreamError) => void>();
  private readonly connection: Connection;
  private readonly inside: Internals;
  private readonly splitter = new FrameSplitter();
  private heardAt = performance.now();
  private pulse: NodeJS.Timeout | undefined;
  private step: 'connect' | 'authenticate' | 'open' = 'connect';

  private constructor(private readonly options: ClientOptions) {
    this.gone = new Promise((resolve) => {
      this.settleGone = resolve;
    });
    const { address, tls } = options;
    this.connection = Connection.create(
      {
        hostname: address.host,
        port: address.port,
        username: address.username,
        password: address.password,
        vhost: address.vhost,
        connectionId: randomUUID(),
        connectionName: ascii(options.name, 'connection name'),
        ssl: address.tls ? { ...tls, rejectUnauthorized: true } : undefined,
      },
      silent,
    );
    this.inside = this.connection as unknown as Internals;
  }

  /**
   * Connects to the address itself, or to the next of its others when it does not answer. Rejects with
   * STREAM_CONNECT_FAILED, _AUTH_FAILED, _VHOST_REFUSED.
   */
  static open(options: ClientOptions): Promise<StreamClient> {
    return StreamClient.openAny(addressesOf(options.address), options);
  }

  private static openAny(addresses: readonly BrokerAddress[], options: ClientOptions): Promise<StreamClient> {
    return firstToAnswer(
      addresses,
      (address) => StreamClient.openOne({ ...options, address }),
      (late) => late.close(),
    );
  }

  private static async openOne(options: ClientOptions): Promise<StreamClient> {
    checkClientVersion();
    const client = new StreamClient(options);
    try {
      await client.guarded(client.shakeHands(), 'Connecting to the stream listener');
      return client;
    } catch (error) {
      const failure = describe(error, client.step, options.address);
      client.die(failure);
      throw failure;
    }
  }

  /**
   * Connects to a broker that holds `stream`: to its leader (needed for publishing), or for reading rather to
   * another replica. When the first broker reached is already the right one, its connection is kept, so that
   * behind one address (a container, a proxy, a balancer of one) the advertised host name does not matter.
   * Of several addresses any may be asked first: a node that is cut off from its cluster still answers, and
   * names leaders that are none; the next attempt then asks another.
   */
  static async openFor(
    stream: string,
    role: 'leader' | 'replica',
    options: ClientOptions,
  ): Promise<StreamClient> {
    const first = await StreamClient.openAny(shuffled(addressesOf(options.address)), options);
    try {
      const found = await first.call<MetadataResponse>(
        new MetadataRequest({ streams: [stream] }),
        'Metadata',
      );
      const { leader, replicas } = found.streamInfos[0] ?? {};
      const fit = role === 'replica' && replicas && replicas.length > 0 ? replicas : leader ? [leader] : [];
      const here = first.connection.getConnectionInfo();
      if (fit.some((node) => node.host === here.host && node.port === here.port)) return first;
      const node = fit[Math.floor(Math.random() * fit.length)];
      if (!node)
        throw new WattstreamError(
          'STREAM_UNAVAILABLE',
          `The stream ${stream} has no leader or does not exist`,
          {
            canRetry: true,
            remedy: 'Declare the topology, or wait until the broker has elected a leader.',
          },
        );
      const second = await StreamClient.openOne({
        ...options,
        address: { ...first.options.address, host: node.host, port: node.port },
      });
      await first.close();
      return second;
    } catch (error) {
      await first.close();
      throw error;
    }
  }

  /** Largest frame that the broker accepts, bytes. 0 = no limit. */
  get frameMax(): number {
    return this.connection.maxFrameSize;
  }

  get alive(): boolean {
    return this.reason === undefined;
  }

  /** Milliseconds since anything was received. */
  get silentMs(): number {
    return performance.now() - this.heardAt;
  }

  /**
   * Sends a request of the client library and waits for its answer. Rejects with STREAM_REQUEST_REFUSED (with
   * the broker's code) , TIMEOUT, or the reason why the connection went.
   */
  async call<R extends Response>(request: Request, what: string): Promise<R> {
    const response = await this.guarded(
      this.connection.sendAndWait<R>(request).catch((code: unknown) => {
        throw typeof code === 'number' ? refused(what, code) : code;
      }),
      what,
    );
    if (!response.ok) throw refused(what, response.code);
    return response;
  }

  /** Sends bytes as they are: one or more whole frames. */
  write(frames: Buffer): void {
    if (this.reason === undefined) this.inside.socket.write(frames);
  }

  /** Ends the connection because of a fault that its owner noticed. */
  die(reason: WattstreamError): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    clearInterval(this.pulse);
    this.inside.socket.destroy();
    for (const reject of this.waiting) reject(reason);
    this.waiting.clear();
    this.settleGone(reason);
  }

  /** Says goodbye, so that the broker logs no lost connection. Never rejects. */
  async close(): Promise<void> {
    if (this.reason === undefined)
      await withTimeout(
        this.call(new CloseRequest({ closingCode: 1, closingReason: 'closed' }), 'Close'),
        1_000,
        'Close',
      ).catch(() => {});
    this.die(new WattstreamError('STREAM_CLOSED', 'The connection was closed by us'));
  }

  private async shakeHands(): Promise<void> {
    const { address } = this.options;
    const inside = this.inside;
    await this.connected(inside.socket, address.tls);
    inside.socket.setNoDelay(true);
    // The socket's data listener is ours; this catches any path in the library that would call its own.
    inside.received = (data) => this.receive(data);
    inside.socket.on('data', (data: Buffer) => this.receive(data));
    inside.peerProperties = (await inside.exchangeProperties()).properties;
    const [major = 0, minor = 0] = (inside.peerProperties.version ?? '').split('.').map(Number);
    if (major < 3 || (major === 3 && minor < 13))
      throw new WattstreamError('BROKER_TOO_OLD', `RabbitMQ ${inside.peerProperties.version} is too old`, {
        remedy: 'RabbitMQ 3.13 or later is needed.',
      });
    this.step = 'authenticate';
    await inside.auth({ username: address.username, password: address.password, mechanism: 'PLAIN' });
    const { heartbeat } = await inside.tune(this.options.heartbeatSeconds ?? 5);
    this.step = 'open';
    const opened = await inside.open({ virtualHost: address.vhost });
    if (!opened.ok) throw opened.error ?? new Error('the virtual host was refused');
    await inside.exchangeCommandVersions();
    if (heartbeat > 0) this.startPulse(heartbeat * 1_000);
  }

  private connected(socket: Socket, tls: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.on('error', (error) => {
        reject(error);
        this.die(lost(messageOf(error)));
      });
      socket.on('close', () => {
        reject(new Error('the connection was closed'));
        this.die(lost('the socket was closed'));
      });
      if (tls ? false : socket.readyState === 'open') resolve();
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
    });
  }

  private startPulse(intervalMs: number): void {
    this.pulse = setInterval(() => {
      if (this.silentMs > 2 * intervalMs)
        this.die(
          lost(`nothing was received for ${Math.round(this.silentMs)} ms (heartbeat ${intervalMs} ms)`),
        );
      else this.write(HEARTBEAT);
    }, intervalMs / 2);
    this.pulse.unref();
  }

  private receive(data: Buffer): void {
    this.heardAt = performance.now();
    try {
      this.splitter.push(data, (frame) => this.dispatch(frame));
    } catch (error) {
      this.die(
        error instanceof WattstreamError
          ? error
          : new WattstreamError('STREAM_FRAME_UNREADABLE', `A frame could not be read: ${messageOf(error)}`, {
              canRetry: true,
              cause: error,
            }),
      );
    }
  }

  private dispatch(frame: Buffer): void {
    if (this.reason !== undefined) return;
    const key = frame.readUInt16BE(0);
    switch (key) {
      case KEY.publishConfirm:
      case KEY.deliver:
      case KEY.consumerUpdate:
        this.taps.onFrame(key, frame);
        return;
      case KEY.heartbeat:
        return;
      case KEY.publishError: {
        const { publishingId, code } = firstPublishError(frame);
        throw refused(`Publishing id ${publishingId}`, code);
      }
      case KEY.metadataUpdate: {
        const { stream, code } = metadataUpdate(frame);
        throw lost(`the stream ${stream} has moved or gone (code ${code})`);
      }
      case KEY.close:
        throw lost(`the broker closed it: ${closeReason(frame).reason}`);
      case KEY.creditResponse: {
        const code = creditError(frame);
        if (code !== undefined) throw refused('Credit', code);
        return;
      }
      default: {
        // The library wants the size in front.
        const sized = Buffer.allocUnsafe(frame.length + 4);
        sized.writeUInt32BE(frame.length, 0);
        frame.copy(sized, 4);
        this.inside.decoder.add(sized, (type) => this.inside.getCompression(type));
      }
    }
  }

  /** Ends with the work, with the connection, or in time; whichever is first. */
  private async guarded<T>(work: Promise<T>, what: string): Promise<T> {
    if (this.reason !== undefined) {
      // The library writes to the destroyed socket all the same; its complaint is nobody's any more.
      work.catch(() => {});
      throw this.reason;
    }
    let give!: (reason: WattstreamError) => void;
    const death = new Promise<never>((_, reject) => {
      give = reject;
    });
    this.waiting.add(give);
    try {
      return await withTimeout(Promise.race([work, death]), this.options.timeoutMs ?? 10_000, what);
    } finally {
      this.waiting.delete(give);
    }
  }
}

const lost = (why: string): WattstreamError =>
  new WattstreamError('STREAM_CONNECTION_LOST', `The connection to RabbitMQ is gone: ${why}`, {
    canRetry: true,
  });

/** Response codes of the stream protocol (PROTOCOL.adoc, "Response codes"). */
const CODES: Record<number, string> = {
  2: 'stream does not exist',
  3: 'subscription id already exists',
  4: 'subscription id does not exist',
  5: 'stream already exists',
  6: 'stream not available',
  7: 'SASL mechanism not supported',
  8: 'authentication failure',
  9: 'SASL error',
  10: 'SASL challenge',
  11: 'authentication failure, loopback only',
  12: 'virtual host access failure',
  13: 'unknown frame',
  14: 'frame too large',
  15: 'internal error',
  16: 'access refused',
  17: 'precondition failed',
  18: 'publisher does not exist',
  19: 'no offset',
};

export interface RefusedByBroker extends WattstreamError {
  readonly brokerCode: number;
}

function refused(what: string, code: number): RefusedByBroker {
  const error = new WattstreamError(
    'STREAM_REQUEST_REFUSED',
    `${what} was refused by RabbitMQ: ${CODES[code] ?? 'unknown reason'} (code ${code})`,
    { canRetry: ![16, 17].includes(code) },
  );
  return Object.assign(error, { brokerCode: code });
}

/** The broker's code of a refused request; undefined for every other error. */
export const brokerCodeOf = (error: unknown): number | undefined =>
  error instanceof WattstreamError && 'brokerCode' in error ? Number(error.brokerCode) : undefined;

/** What failed while connecting, by the step that was reached. */
function describe(
  error: unknown,
  step: string,
  { host, port, username, vhost }: BrokerAddress,
): WattstreamError {
  const where = `${host}:${port}`;
  const code = error instanceof WattstreamError ? error.code : undefined;
  const broken = code === 'TIMEOUT' || code === 'STREAM_CONNECTION_LOST';
  if (step === 'authenticate' && !broken)
    return new WattstreamError('STREAM_AUTH_FAILED', `RabbitMQ at ${where} refused the user ${username}`, {
      remedy: 'Check user and password in RABBITMQ_URL or RABBITMQ_STREAM_URL.',
      cause: error,
    });
  // The library cannot read the broker's refusal of a virtual host; that it could not is the sign.
  if (step === 'open' && !broken)
    return new WattstreamError(
      'STREAM_VHOST_REFUSED',
      `RabbitMQ at ${where} refused the virtual host ${vhost}`,
      {
        remedy: `Create the virtual host and give ${username} permissions on it.`,
        cause: error,
      },
    );
  if (code === 'BROKER_TOO_OLD') return error as WattstreamError;
  return new WattstreamError(
    'STREAM_CONNECT_FAILED',
    `RabbitMQ streams at ${where} cannot be reached: ${messageOf(error)}`,
    {
      canRetry: true,
      remedy: 'Is the broker up, the plugin rabbitmq_stream enabled, and its listener reachable?',
      cause: error,
    },
  );
}
