/**
 * Socket.io: who comes in, which rooms they are in, what they are sent. What a room's changes are is the hub's business.
 *
 * Joining: the room is held and its number noted (n); the tables are read, the newest notifications laid over them; then,
 * in one go, the snapshot goes out with n, the changes after n that came meanwhile, and the socket joins. So nothing
 * falls between snapshot and changes; a change that the snapshot holds already comes again, with a version that is not
 * newer.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { z } from 'zod';
import type { Queries } from '../../analytics/ports.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { withTimeout } from '../../platform/retry.js';
import { hostName, refuseForeignNames } from '../auth/access.js';
import { type Authentication, bearerOf } from '../auth/authenticator.js';
import type { Principal } from '../auth/principal.js';
import type { LiveCosts } from './costs.js';
import type { Hub } from './hub.js';
import type { LiveMetrics } from './metrics.js';
import { type Bye, type Refused, resume, type Subscribed, subscribe, unsubscribe } from './protocol.js';
import type { Change, Room } from './room.js';
import { mayJoin } from './rooms.js';
import { SendBuffer } from './send-buffer.js';
import { compose, readTables } from './snapshot.js';

export interface LiveLimits {
  readonly roomsPerSocket: number;
  readonly socketsPerPrincipal: number;
  readonly messageBytes: number;
  readonly bufferBytes: number;
  readonly snapshotRows: number;
}

export interface LiveOptions {
  readonly hub: Hub;
  readonly costs: Pick<LiveCosts, 'want' | 'of'>;
  readonly queries: Queries;
  readonly authentication: Authentication;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly limits: LiveLimits;
  readonly metrics: LiveMetrics;
  readonly log: Logger;
}

export interface LiveServer {
  /** Begins to answer at `/socket.io/`. */
  attach(server: HttpServer): void;
  close(): Promise<void>;
}

/** One joining: another one for the same room is another object. */
interface Place {
  readonly room: Room;
}

interface SocketData {
  principal: Principal;
  /** What it is in, and what it is about to be in. */
  rooms: Map<string, Place>;
  buffer: SendBuffer;
  leaving: boolean;
  requests: number;
}
type LiveSocket = Socket & { data: SocketData };
type Acknowledge = (answer: Subscribed | Refused | { ok: true }) => void;

/** A client that cannot be told within this time is cut off. */
const FAREWELL_MS = 2_000;
const SWEEP_MS = 1_000;
const REQUESTS_PER_SWEEP = 50;
const PRIMED_MS = 10_000;
/** setTimeout knows no longer times. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function createLive(options: LiveOptions): LiveServer {
  const { hub, costs, queries, authentication, limits, metrics, log } = options;
  let closing = false;
  const perPrincipal = new Map<string, number>();
  const io = new Server({
    // Long polling would need every request of a client to reach the same process, and has no back pressure.
    transports: ['websocket'],
    maxHttpBufferSize: limits.messageBytes,
    connectTimeout: 10_000,
    serveClient: true,
    allowRequest: (request, done) => {
      const refusal = refusalOf(request);
      if (refusal !== undefined)
        log.info({ origin: request.headers.origin, refusal }, 'a live connection was refused');
      done(refusal, refusal === undefined);
    },
  });

  /** Browsers let any page open a WebSocket to anywhere, so where the page came from is asked here. */
  const refusalOf = (request: IncomingMessage): string | undefined => {
    const { host, origin } = request.headers;
    if (closing) return 'CLOSING';
    try {
      if (authentication.mode === 'off') refuseForeignNames(host, options.hosts);
    } catch (error) {
      return messageOf(error);
    }
    if (origin === undefined || options.origins.includes(origin)) return undefined;
    const same = URL.canParse(origin) && hostWithPort(new URL(origin).host) === hostWithPort(host ?? '');
    return same ? undefined : 'ORIGIN_NOT_ALLOWED';
  };

  io.use((socket, next) => {
    const offered = (socket.handshake.auth as { token?: unknown }).token;
    const token =
      typeof offered === 'string' && offered !== ''
        ? offered
        : bearerOf(socket.handshake.headers.authorization);
    authentication.principalOf(token).then(
      (principal) => {
        // Gone while it was judged: its end will not be told again.
        if (socket.conn.readyState !== 'open')
          return next(refusalError('CLOSED', 'The connection is closed.'));
        const open = perPrincipal.get(principal.id) ?? 0;
        if (open >= limits.socketsPerPrincipal)
          return next(
            refusalError('TOO_MANY_SOCKETS', `There are ${open} live connections of ${principal.id} here.`),
          );
        // Counted here: what stands between this and `connection` is another turn, in which more may come.
        perPrincipal.set(principal.id, open + 1);
        socket.conn.once('close', () => forgetSocketOf(principal.id));
        (socket as LiveSocket).data = {
          principal,
          rooms: new Map(),
          buffer: new SendBuffer(socket.conn),
          leaving: false,
          requests: 0,
        };
        next();
      },
      (error: unknown) =>
        next(
          error instanceof WattstreamError
            ? refusalError(error.code, error.message, error.canRetry)
            : refusalError('INTERNAL', 'A defect on our side.'),
        ),
    );
  });

  const forgetSocketOf = (id: string): void => {
    const left = (perPrincipal.get(id) ?? 1) - 1;
    if (left === 0) perPrincipal.delete(id);
    else perPrincipal.set(id, left);
  };

  io.on('connection', (plain) => {
    const socket = plain as LiveSocket;
    const { principal, rooms } = socket.data;
    metrics.sockets.inc();
    socket.emit('feed', { live: hub.live });
    const expiry =
      principal.expiresAt === undefined
        ? undefined
        : setTimeout(
            () => dismiss(socket, { code: 'TOKEN_EXPIRED', detail: 'Come back with a new token.' }),
            Math.min(LONGEST_TIMER_MS, Math.max(0, principal.expiresAt - Date.now())),
          );
    socket.on('disconnect', () => {
      metrics.sockets.dec();
      clearTimeout(expiry);
      for (const name of [...rooms.keys()]) leave(socket, name);
    });
    on(socket, 'subscribe', subscribe, ({ room }) => join(socket, room));
    on(socket, 'resume', resume, ({ room, epoch, seq }) => join(socket, room, { epoch, seq }));
    on(socket, 'unsubscribe', unsubscribe, async ({ room }) => {
      leave(socket, room);
      return (answer) => answer({ ok: true });
    });
  });

  /** Work on what a client asked; what it returns answers, and sends what follows the answer, in one turn. */
  const on = <Shape extends z.ZodType>(
    socket: LiveSocket,
    event: string,
    shape: Shape,
    work: (payload: z.output<Shape>) => Promise<(answer: Acknowledge) => void>,
  ): void => {
    socket.on(event, (payload: unknown, acknowledge?: unknown) => {
      const answer: Acknowledge = (value) => {
        if (typeof acknowledge === 'function') acknowledge(value);
        watchBuffer(socket);
      };
      socket.data.requests += 1;
      if (socket.data.requests > REQUESTS_PER_SWEEP) {
        dismiss(socket, { code: 'TOO_MANY_REQUESTS', detail: `${REQUESTS_PER_SWEEP} per second at most.` });
        return;
      }
      const parsed = shape.safeParse(payload);
      if (!parsed.success) {
        const wrong = parsed.error.issues.map(
          ({ path, message }) => `${path.join('.') || 'payload'}: ${message}`,
        );
        answer(refusal('REQUEST_INVALID', `The ${event} is not as it should be: ${wrong.join('; ')}`));
        return;
      }
      work(parsed.data).then(
        (reply) => reply(answer),
        (error: unknown) => {
          if (!(error instanceof WattstreamError))
            log.error({ event, error: messageOf(error), stack: (error as Error).stack }, 'a defect');
          answer(
            error instanceof WattstreamError
              ? refusal(error.code, error.message, error.canRetry, error.remedy)
              : refusal('INTERNAL', 'A defect on our side.'),
          );
        },
      );
    });
  };

  const join = async (
    socket: LiveSocket,
    name: string,
    from?: { epoch: string; seq: number },
  ): Promise<(answer: Acknowledge) => void> => {
    const { principal, rooms } = socket.data;
    if (!mayJoin(principal, name, (id) => hub.stationOf(id)))
      throw new WattstreamError('ROOM_FORBIDDEN', `You may not be in ${name}.`);
    if (!rooms.has(name) && rooms.size >= limits.roomsPerSocket)
      throw new WattstreamError(
        'TOO_MANY_ROOMS',
        `A connection is in ${limits.roomsPerSocket} rooms at most.`,
        {
          remedy: 'Leave some, take larger ones, or open another connection.',
        },
      );
    // Asking again for a room one is in begins it again.
    leave(socket, name);
    const room = hub.hold(name);
    const place: Place = { room };
    rooms.set(name, place);
    try {
      await withTimeout(hub.primed, PRIMED_MS, 'Catching up with what was announced').catch(() => {});
      const missed = from && room.since(from.epoch, from.seq);
      if (from !== undefined && missed !== undefined)
        return (answer) => settle(socket, place, { epoch: room.epoch, seq: from.seq }, answer);
      for (;;) {
        const { epoch, seq } = room;
        const end = metrics.snapshots.startTimer();
        const stationOf = (id: string) => hub.stationOf(id);
        const limit = limits.snapshotRows;
        const tables = await readTables(queries, name, { stationOf, limit });
        end();
        // The room began anew meanwhile: what was missed may be in the tables by now, and in what was just read not.
        if (room.epoch !== epoch) {
          await withTimeout(hub.primed, PRIMED_MS, 'Catching up with what was announced').catch(() => {});
          continue;
        }
        return (answer) => {
          const [recent, commands] = [hub.recent(), hub.runningCommands()];
          const costOf = (id: string) => costs.of(id);
          const snapshot = compose(name, tables, { recent, commands, costOf, stationOf, limit });
          for (const session of snapshot.sessions) costs.want(session, session.version);
          settle(socket, place, { epoch, seq, snapshot }, answer);
        };
      }
    } catch (error) {
      if (rooms.get(name) === place) leave(socket, name);
      throw error;
    }
  };

  /** Answers, sends what was missed, joins: all in one turn, so that nothing comes between. */
  const settle = (
    socket: LiveSocket,
    place: Place,
    { epoch, seq, snapshot }: Pick<Subscribed, 'epoch' | 'seq' | 'snapshot'>,
    answer: Acknowledge,
  ): void => {
    const { room } = place;
    // It has gone, left, or asked again meanwhile.
    if (socket.data.rooms.get(room.name) !== place) {
      answer(refusal('SUPERSEDED', 'The room was left, or asked for again, before this was answered.'));
      return;
    }
    if (room.epoch !== epoch) {
      leave(socket, room.name);
      answer(refusal('ROOM_RESTARTED', 'The room began anew while this was answered.', true));
      return;
    }
    const since = room.since(epoch, seq);
    // More came while the tables were read than is kept: the snapshot has what they said of things.
    const from = since === undefined ? room.seq : seq;
    answer({
      ok: true,
      room: room.name,
      epoch,
      seq: from,
      live: hub.live,
      ...(snapshot === undefined ? {} : { snapshot }),
    });
    for (const change of since ?? []) socket.emit('change', change);
    void socket.join(room.name);
    watchBuffer(socket);
  };

  const leave = (socket: LiveSocket, name: string): void => {
    const place = socket.data.rooms.get(name);
    if (place === undefined) return;
    socket.data.rooms.delete(name);
    void socket.leave(name);
    hub.release(place.room);
  };

  const socketsIn = (name: string): LiveSocket[] =>
    [...(io.sockets.adapter.rooms.get(name) ?? [])]
      .map((id) => io.sockets.sockets.get(id) as LiveSocket | undefined)
      .filter((socket) => socket !== undefined);

  hub.tell({
    change(change: Change) {
      const inside = socketsIn(change.room);
      if (inside.length === 0) return;
      const { stationId } = change.notification.audience;
      // A charger that moved to another station, or stands at none any more, takes nobody along who may not be there.
      if (change.room.startsWith('charger:'))
        for (const socket of inside) {
          const { principal } = socket.data;
          if (mayJoin(principal, change.room, (id) => stationId ?? hub.stationOf(id))) continue;
          leave(socket, change.room);
          socket.emit('stale', { room: change.room, reason: 'no-longer-allowed' });
        }
      io.to(change.room).emit('change', change);
      for (const socket of inside) watchBuffer(socket);
    },
    stale(room, reason) {
      for (const socket of socketsIn(room)) {
        leave(socket, room);
        socket.emit('stale', { room, reason });
      }
    },
    feed(live) {
      io.emit('feed', { live });
    },
  });

  const watchBuffer = (socket: LiveSocket): void => {
    if (socket.data.leaving || socket.data.buffer.bytes() <= limits.bufferBytes) return;
    dismiss(socket, {
      code: 'TOO_SLOW',
      detail: `More than ${limits.bufferBytes} bytes waited for this connection.`,
    });
  };

  /** Out of every room at once, so that nothing more waits for it; then told why, if it still listens. */
  const dismiss = (socket: LiveSocket, bye: Bye): void => {
    if (socket.data.leaving) return;
    socket.data.leaving = true;
    metrics.closed.inc({ code: bye.code });
    log.info({ principal: socket.data.principal.id, code: bye.code }, 'a live connection is closed');
    for (const name of [...socket.data.rooms.keys()]) leave(socket, name);
    socket.emit('bye', bye);
    socket.disconnect(true);
    // Engine.io calls a connection closed once it has asked the WebSocket to close, and that waits for what is unsent.
    setTimeout(() => socket.data.buffer.cut(), FAREWELL_MS).unref();
  };

  const sweep = setInterval(() => {
    hub.sweep();
    for (const plain of io.sockets.sockets.values()) {
      const socket = plain as LiveSocket;
      socket.data.requests = 0;
      if (authentication.holds?.(socket.data.principal) === false)
        dismiss(socket, { code: 'TOKEN_INVALID', detail: 'What let you in holds no longer: log in again.' });
    }
  }, SWEEP_MS);
  sweep.unref();

  return {
    attach: (server) => {
      io.attach(server);
    },
    async close() {
      closing = true;
      clearInterval(sweep);
      for (const socket of io.sockets.sockets.values())
        dismiss(socket as LiveSocket, { code: 'CLOSING', detail: 'This process stops; come back at once.' });
      io.engine?.close();
    },
  };
}

const hostWithPort = (host: string): string => `${hostName(host)}:${/:(\d+)$/.exec(host)?.[1] ?? ''}`;

const refusal = (code: string, detail: string, canRetry = false, remedy?: string): Refused => ({
  ok: false,
  code,
  detail,
  ...(remedy === undefined ? {} : { remedy }),
  canRetry,
});

/** A handshake is refused with an error whose `data` reaches the client (`connect_error`). */
const refusalError = (code: string, detail: string, canRetry = false): Error =>
  Object.assign(new Error(code), { data: refusal(code, detail, canRetry) });
