/** An app with the live view, in process, over a feed, an events log and tables that the test decides. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { Queries } from '../../../analytics/ports.js';
import type { Notification } from '../../../domain/messages/notifications.js';
import { readSettings, type Settings } from '../../../platform/config.js';
import { silentLogger } from '../../../platform/logger.js';
import { Registry } from '../../../platform/metrics.js';
import type { EventLog } from '../../../streams/ports.js';
import { authenticationBy, NO_AUTHENTICATION } from '../../auth/authenticator.js';
import { ownTokens, signToken, type TokenRequest } from '../../auth/jwt.js';
import type { Principal } from '../../auth/principal.js';
import type { PricedSession } from '../costs.js';
import { createLiveView } from '../index.js';
import type { NotificationListener } from '../ports.js';
import type { Refused, Subscribed } from '../protocol.js';

const SECRET = 'a secret of more than thirty-two bytes';

export interface WorldOptions {
  readonly settings?: Partial<Settings>;
  /** Default true. */
  readonly authenticated?: boolean;
  /** Whether what somebody came in with still holds. Default: until it expires. */
  readonly holds?: (principal: Principal) => boolean;
  /** Default true: the queue stands from the beginning. */
  readonly up?: boolean;
  readonly stations?: Record<string, string>;
}

type Rows = Record<string, unknown>[];

export async function startWorld(options: WorldOptions = {}) {
  const rows: Record<string, Rows> = {};
  /** Called while the tables are read, before they answer. */
  const hooks: { reading?: (question: string) => Promise<void> | void } = {};
  const recorded: Notification[] = [];
  let listener: NotificationListener | undefined;
  const queries: Queries = {
    list: () => [],
    ping: async () => {},
    async ask(name) {
      const answer = rows[name] ?? [];
      await hooks.reading?.(name);
      return { columns: [], rows: answer, elapsedMs: 0, rowsRead: 0 };
    },
  };
  const events: EventLog = {
    follow({ accept, onLevel }) {
      const reading = (async () => {
        for (const { event } of recorded)
          await accept({
            offset: 0,
            routingKey: event.type,
            id: event.id,
            app: '',
            publishedAt: 0,
            body: JSON.stringify(event),
          });
        onLevel?.();
      })();
      return { position: -1, close: () => reading };
    },
    bounds: async () => ({ first: undefined, last: undefined }),
    close: async () => {},
  };
  const metrics = new Registry();
  const prices: { of: PricedSession[] } = { of: [] };
  const view = createLiveView({
    settings: { ...readSettings({}), ...options.settings },
    queries,
    authentication:
      options.authenticated === false
        ? NO_AUTHENTICATION
        : {
            ...authenticationBy([ownTokens(SECRET)]),
            ...(options.holds === undefined ? {} : { holds: options.holds }),
          },
    feed: {
      listen(to) {
        listener = to;
        return { close: async () => {} };
      },
    },
    events,
    whereabouts: { stationOf: (id) => options.stations?.[id] },
    prices: {
      price: async (wanted) =>
        prices.of.filter((one) => wanted.some(({ sessionId }) => sessionId === one.sessionId)),
    },
    metrics,
    log: silentLogger,
  });
  const app = Fastify();
  await app.listen({ host: '127.0.0.1', port: 0 });
  view.attach(app.server);
  const feed = listener as NotificationListener;
  if (options.up !== false) feed.up();
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const clients: Socket[] = [];

  return {
    rows,
    prices,
    hooks,
    recorded,
    feed,
    metrics,
    url,
    token: (request: Partial<TokenRequest> = {}) =>
      signToken(SECRET, { role: 'admin', subject: 'eve', minutes: 5, ...request }, Date.now()),
    /** A client that is connected. Rejects with the error it was refused with. */
    async client(
      token?: string,
      more: Partial<ManagerOptions & SocketOptions> = {},
      prepare: (socket: Socket) => void = () => {},
    ) {
      const socket = io(url, {
        transports: ['websocket'],
        forceNew: true,
        reconnection: false,
        ...(token === undefined ? {} : { auth: { token } }),
        ...more,
      });
      clients.push(socket);
      prepare(socket);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('connect_error', reject);
      });
      return socket;
    },
    async close() {
      for (const client of clients) client.disconnect();
      await view.close();
      await app.close();
    },
  };
}
export type World = Awaited<ReturnType<typeof startWorld>>;

export const ask = (socket: Socket, event: string, payload: unknown): Promise<Subscribed | Refused> =>
  socket.timeout(5_000).emitWithAck(event, payload);

/** Subscribed, or the test fails with why not. */
export async function joined(
  socket: Socket,
  room: string,
): Promise<Subscribed & { snapshot: NonNullable<Subscribed['snapshot']> }> {
  const answer = await ask(socket, 'subscribe', { room });
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  return answer as Subscribed & { snapshot: NonNullable<Subscribed['snapshot']> };
}

/** Everything a client is sent by this name, and a way to wait for so many. */
export function collected<T>(socket: Socket, event: string) {
  const all: T[] = [];
  socket.on(event, (value: T) => all.push(value));
  return {
    all,
    async count(n: number): Promise<T[]> {
      while (all.length < n) await once(socket as never, event);
      return all;
    },
  };
}
