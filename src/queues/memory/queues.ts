/**
 * The queues in memory: what unit tests of other folders run against. Messages are held to their schemas, deliveries come
 * in a later turn of the event loop and in order, and the broker can be taken away: then nothing is confirmed, nothing is
 * delivered, and gateways' queues are gone until it is back.
 */
import type { ChargingEventMessage } from '../../domain/messages/charging-events.js';
import {
  type ChargingCommand,
  chargingCommand,
  type HeldCharger,
  type KeptCommand,
  keptCommand,
} from '../../domain/messages/commands.js';
import { messageNames } from '../../domain/messages/names.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { WattstreamError } from '../../platform/errors.js';
import type { EventRecord } from '../../streams/ports.js';
import { type Envelope, ofChargingEvent, ofCmsEvent, ofLoginEvent, ofNotification } from '../envelope.js';
import { listWakeOf } from '../list-wake.js';
import type {
  CommandHandler,
  CommandReceiver,
  CommandSender,
  Consumer,
  EventPublisher,
  KeptCommands,
  ListWake,
  ListWakes,
  NotificationFeed,
  NotificationListener,
} from '../ports.js';
import { validated } from '../validate.js';
import { MemoryEventLog } from './event-log.js';

type Fate = Awaited<ReturnType<CommandSender['publishChargingCommand']>>;

interface GatewayQueue {
  readonly handler: CommandHandler;
  readonly bound: Set<string>;
}

interface KeptConsumer {
  readonly take: (command: KeptCommand, settle: () => void) => void;
  handed: Set<string>;
}

interface WakeConsumer {
  readonly take: (wake: ListWake, settle: () => void) => void;
  readonly lost: () => void;
  handed: Set<ListWake>;
}

export class MemoryQueues {
  readonly chargingEvents = new MemoryEventLog();
  readonly cmsEvents = new MemoryEventLog();
  readonly logins = new MemoryEventLog();
  readonly notifications: Notification[] = [];
  /** Everything published on `charging.commands`, taken or not. */
  readonly commands: ChargingCommand[] = [];
  readonly kept: KeptCommand[] = [];
  /** What the next publishes of commands come to, when not what is true. */
  readonly fates: Fate[] = [];
  private readonly names = messageNames('');
  private readonly gateways = new Set<GatewayQueue>();
  private readonly listeners = new Set<NotificationListener>();
  private readonly keptConsumers: KeptConsumer[] = [];
  /** Not settled yet, oldest first. */
  readonly wakes: ListWake[] = [];
  private readonly wakeConsumers: WakeConsumer[] = [];
  /** The prefetch: so many are handed over and not settled at most. */
  wakesAtOnce = 20_000;
  private readonly waiting: (() => void)[] = [];
  private isAway = false;

  away(): void {
    this.isAway = true;
    this.chargingEvents.setAway(true);
    this.cmsEvents.setAway(true);
    this.logins.setAway(true);
    for (const listener of this.listeners) listener.down();
    for (const { lost } of this.wakeConsumers) lost();
  }

  back(): void {
    this.isAway = false;
    for (const consumer of this.keptConsumers) consumer.handed = new Set();
    for (const consumer of this.wakeConsumers) consumer.handed = new Set();
    for (const listener of this.listeners) listener.up();
    for (const go of this.waiting.splice(0)) go();
    this.chargingEvents.setAway(false);
    this.cmsEvents.setAway(false);
    this.logins.setAway(false);
    this.deliverKept();
    this.deliverWakes();
  }

  get log(): readonly EventRecord[] {
    return this.chargingEvents.records;
  }

  /** What is in the log of charging events, parsed. */
  get events(): ChargingEventMessage[] {
    return this.chargingEvents.records.map(({ body }) => JSON.parse(body) as ChargingEventMessage);
  }

  stepsOf(commandId: string): string[] {
    return this.events.flatMap((event) =>
      'commandId' in event && event.commandId === commandId ? [event.type.slice('command.'.length)] : [],
    );
  }

  eventPublisher({ maxUnconfirmed = 20_000 }: { maxUnconfirmed?: number } = {}): EventPublisher {
    let closed: WattstreamError | undefined;
    const pending = new Set<(error: WattstreamError) => void>();
    const send = (arrive: () => void): Promise<void> => {
      if (closed) return Promise.reject(closed);
      if (pending.size >= maxUnconfirmed)
        return Promise.reject(
          new WattstreamError('PUBLISHER_FULL', `${pending.size} are not confirmed`, { canRetry: true }),
        );
      return new Promise((resolve, reject) => {
        pending.add(reject);
        void this.here().then(() => {
          if (!pending.delete(reject)) return;
          arrive();
          resolve();
        });
      });
    };
    const recordOf = ({ routingKey, messageId, appId, timestamp, body }: Envelope) => ({
      routingKey,
      id: messageId,
      app: appId,
      publishedAt: timestamp * 1_000,
      body,
    });
    return {
      publishChargingEvent: async (event) => {
        const envelope = ofChargingEvent(this.names, event);
        return send(() => {
          this.chargingEvents.append(recordOf(envelope));
          if (event.type === 'charger.online') this.wakeUp(listWakeOf(event));
        });
      },
      publishCMSEvent: async (event) => {
        const envelope = ofCmsEvent(this.names, event);
        return send(() => {
          this.cmsEvents.append(recordOf(envelope));
          this.wakeUp(listWakeOf(event));
        });
      },
      publishLoginEvent: async (event) => {
        const envelope = ofLoginEvent(this.names, event);
        return send(() => this.logins.append(recordOf(envelope)));
      },
      publishNotification: async (told) => {
        const envelope = ofNotification(this.names, told);
        return send(() => {
          const copy = JSON.parse(envelope.body) as Notification;
          this.notifications.push(copy);
          for (const listener of this.listeners) listener.notification(copy);
        });
      },
      get unconfirmed() {
        return pending.size;
      },
      close: async () => {
        closed = new WattstreamError('PUBLISHER_CLOSED', 'The publisher was closed');
        for (const reject of pending) reject(closed);
        pending.clear();
      },
    };
  }

  receive(handler: CommandHandler): CommandReceiver {
    const queue: GatewayQueue = { handler, bound: new Set() };
    this.gateways.add(queue);
    return {
      bind: async (id) => {
        await this.here();
        queue.bound.add(id);
      },
      unbind: async (id) => {
        await this.here();
        queue.bound.delete(id);
      },
      announce: (held) => {
        if (this.isAway) return;
        setImmediate(() => {
          for (const other of this.boundTo(held.chargePointId)) other.handler.held(held);
        });
      },
      close: async () => {
        this.gateways.delete(queue);
      },
    };
  }

  sender(): CommandSender {
    return {
      locate: async (chargePointId) => {
        if (this.isAway) throw new WattstreamError('BROKER_UNREACHABLE', 'away', { canRetry: true });
        await this.here();
        let answered = false;
        const gateways = this.boundTo(chargePointId);
        const held = gateways.flatMap(({ handler }) => {
          try {
            const one = handler.locate(chargePointId);
            answered = true;
            return one ? [one] : [];
          } catch {
            return [];
          }
        });
        if (gateways.length > 0 && !answered)
          throw new WattstreamError('GATEWAY_SILENT', 'No gateway answers', { canRetry: true });
        return held.sort((a: HeldCharger, b: HeldCharger) => Date.parse(b.since) - Date.parse(a.since))[0];
      },
      publishChargingCommand: async (command) => {
        const message = validated(chargingCommand, command, 'A command');
        this.commands.push(message);
        const fate = this.fates.shift();
        if (fate === 'not-sent' || fate === 'offline') return fate;
        if (this.isAway || Date.parse(message.deadline) <= Date.now()) return fate ?? 'not-sent';
        const gateways = this.boundTo(message.chargePointId);
        for (const { handler } of gateways) setImmediate(() => handler.command(message));
        return fate ?? (gateways.length > 0 ? 'taken' : 'offline');
      },
      close: async () => {},
    };
  }

  eventLog(which: 'chargingEvents' | 'cmsEvents' | 'logins' = 'chargingEvents'): MemoryEventLog {
    return this[which];
  }

  notificationFeed(): NotificationFeed {
    return {
      listen: (listener) => {
        this.listeners.add(listener);
        if (!this.isAway) setImmediate(() => listener.up());
        return {
          close: async () => {
            this.listeners.delete(listener);
          },
        };
      },
    };
  }

  keptCommands(): KeptCommands {
    return {
      keep: async (command) => {
        const message = validated(keptCommand, command, 'A kept command');
        await this.here();
        this.kept.push(message);
        this.deliverKept();
      },
      consume: (take): Consumer => {
        const consumer: KeptConsumer = { take, handed: new Set() };
        this.keptConsumers.push(consumer);
        this.deliverKept();
        return {
          close: async () => {
            this.keptConsumers.splice(this.keptConsumers.indexOf(consumer), 1);
            this.deliverKept();
          },
        };
      },
      close: async () => {},
    };
  }

  /** The first consumer is the active one. */
  private deliverKept(): void {
    const active = this.keptConsumers[0];
    if (active === undefined || this.isAway) return;
    for (const command of this.kept) {
      if (active.handed.has(command.id)) continue;
      active.handed.add(command.id);
      setImmediate(() => {
        if (this.keptConsumers[0] !== active) return;
        active.take(command, () => {
          const index = this.kept.indexOf(command);
          if (index !== -1) this.kept.splice(index, 1);
        });
      });
    }
  }

  listWakes(): ListWakes {
    return {
      push: async (chargePointId, full) => {
        await this.here();
        this.wakeUp({ kind: 'push', chargePointId, full });
      },
      consume: (take, lost = () => {}): Consumer => {
        const consumer: WakeConsumer = { take, lost, handed: new Set() };
        this.wakeConsumers.push(consumer);
        this.deliverWakes();
        return {
          close: async () => {
            this.wakeConsumers.splice(this.wakeConsumers.indexOf(consumer), 1);
            lost();
            this.deliverWakes();
          },
        };
      },
      close: async () => {},
    };
  }

  private wakeUp(wake: ListWake | undefined): void {
    if (wake === undefined) return;
    this.wakes.push(wake);
    this.deliverWakes();
  }

  /** The first consumer is the active one. */
  private deliverWakes(): void {
    const active = this.wakeConsumers[0];
    if (active === undefined || this.isAway) return;
    let open = this.wakes.filter((wake) => active.handed.has(wake)).length;
    for (const wake of this.wakes) {
      if (open >= this.wakesAtOnce) return;
      if (active.handed.has(wake)) continue;
      active.handed.add(wake);
      open++;
      setImmediate(() => {
        if (this.wakeConsumers[0] !== active) return;
        active.take(wake, () => {
          const index = this.wakes.indexOf(wake);
          if (index === -1 || this.wakeConsumers[0] !== active) return;
          this.wakes.splice(index, 1);
          this.deliverWakes();
        });
      });
    }
  }

  private boundTo(chargePointId: string): GatewayQueue[] {
    return [...this.gateways].filter(({ bound }) => bound.has(chargePointId));
  }

  /** A later turn; when the broker is away, the one in which it is back. */
  private here(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isAway) this.waiting.push(resolve);
      else setImmediate(() => (this.isAway ? this.waiting.push(resolve) : resolve()));
    });
  }
}
