/**
 * All chargers of this process. The newest connection of a charge point wins: a charger that lost its network
 * comes back long before its old socket is known to be dead.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { PublisherState } from '../streams/ports.js';
import { type Admitted, CLOSE, Connection, type ConnectionContext } from './connection.js';

export interface GatewayListener {
  connected?(connection: Connection): void;
  /** After its `Disconnected` was handed to the publisher. */
  disconnected?(connection: Connection): void;
}

const STOPPED = 'the gateway is being stopped';
/** For a closing handshake that has begun. */
const LAST_WORD_MS = 100;

export type GatewayContext = Omit<ConnectionContext, 'ended'>;

export class Gateway {
  private readonly current = new Map<string, Connection>();
  private readonly boot = randomBytes(6).toString('base64url');
  private made = 0;
  private readonly context: ConnectionContext;
  private readonly sweep: NodeJS.Timeout;
  private readonly stopListening: () => void;

  constructor(
    context: GatewayContext,
    private readonly listener: GatewayListener = {},
  ) {
    this.context = { ...context, ended: (connection) => this.onEnded(connection) };
    this.stopListening = context.publisher.onState((state) => this.onPublisher(state));
    this.sweep = setInterval(
      () => {
        const now = context.clock.monotonic();
        for (const connection of this.current.values()) connection.tick(now);
      },
      Math.min(1_000, context.pingMs),
    ).unref();
  }

  get size(): number {
    return this.current.size;
  }

  /** The open connection of a charge point, for commands. */
  connectionOf(chargePointId: string): Connection | undefined {
    return this.current.get(chargePointId);
  }

  /** A socket whose handshake is done and whose charger is known to be who it says. */
  admit(socket: WebSocket, admitted: Omit<Admitted, 'connection'>): Connection {
    // Its Disconnected is published here, before the Connected of the new one.
    this.current.get(admitted.chargePointId)?.close(CLOSE.replaced, 'replaced by a newer connection');
    const id = `${this.boot}-${(++this.made).toString(36)}`;
    const connection = new Connection(socket, { ...admitted, connection: id }, this.context);
    this.current.set(admitted.chargePointId, connection);
    this.context.metrics.connects.add(admitted.protocol);
    if (this.context.publisher.state === 'full') connection.hold('full');
    this.listener.connected?.(connection);
    return connection;
  }

  /**
   * Lets every charger go: what was read is answered within `withinMs`, then 1001; who is not gone by then is
   * told 1001 without its answers, and cut off a moment later. `Disconnected` of each is with the publisher
   * when this resolves.
   */
  async drain(withinMs: number): Promise<void> {
    clearInterval(this.sweep);
    const leaving = [...this.current.values()];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all(leaving.map((connection) => connection.drain())), late]);
    clearTimeout(timer);
    for (const connection of this.current.values()) connection.close(CLOSE.goingAway, STOPPED);
    await Promise.race([Promise.all(leaving.map((connection) => connection.gone)), pause(LAST_WORD_MS)]);
    for (const connection of leaving) connection.cut();
    this.stopListening();
  }

  private onEnded(connection: Connection): void {
    if (this.current.get(connection.chargePointId) === connection)
      this.current.delete(connection.chargePointId);
    this.listener.disconnected?.(connection);
  }

  private onPublisher(state: PublisherState): void {
    for (const connection of [...this.current.values()]) {
      if (state === 'full') connection.hold('full');
      else if (state === 'flowing') connection.release('full');
      // An offline charger queues without a limit on attempts; an unanswered one discards at last (1.6, 3.7).
      else connection.close(CLOSE.tryLater, 'frames cannot be kept at the moment');
    }
  }
}
