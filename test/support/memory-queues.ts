/**
 * The queues and the events' log in memory, in the hands of the test: `away()` takes the broker away (nothing is
 * confirmed, nothing is delivered, queues of gateways vanish), `back()` brings it back. Messages are held to their
 * schemas. Deliveries come in a later turn of the event loop, in order.
 */
import { type ChargingEventMessage, chargingEvent } from '../../src/domain/messages/charging-events.js';
import {
  type ChargingCommand,
  chargingCommand,
  type HeldCharger,
  type KeptCommand,
  keptCommand,
} from '../../src/domain/messages/commands.js';
import { WattstreamError } from '../../src/platform/errors.js';
import type {
  CommandHandler,
  CommandReceiver,
  CommandSender,
  Consumer,
  EventPublisher,
  KeptCommands,
} from '../../src/queues/ports.js';
import type { EventLog, EventRecord } from '../../src/streams/ports.js';

type Step = ChargingEventMessage;

interface Queue {
  readonly handler: CommandHandler;
  readonly bound: Set<string>;
}

interface KeptConsumer {
  readonly take: (command: KeptCommand, settle: () => void) => void;
  readonly handed: Set<string>;
}

export class MemoryQueues {
  readonly log: EventRecord[] = [];
  /** Everything published on `charging.commands`, taken or not. */
  readonly commands: ChargingCommand[] = [];
  readonly kept: KeptCommand[] = [];
  private readonly queues = new Set<Queue>();
  private readonly followers = new Set<() => void>();
  private readonly keptConsumers: KeptConsumer[] = [];
  private isAway = false;
  private readonly unconfirmed: (() => void)[] = [];
  /** What the next publishes of commands come to, when not what is true. */
  readonly fates: Awaited<ReturnType<CommandSender['publishChargingCommand']>>[] = [];

  away(): void {
    this.isAway = true;
  }

  back(): void {
    this.isAway = false;
    for (const deliver of this.unconfirmed.splice(0)) deliver();
    this.wake();
  }

  /** Steps and other events in the log, parsed. */
  get events(): Step[] {
    return this.log.map(({ body }) => JSON.parse(body) as Step);
  }

  stepsOf(commandId: string): string[] {
    return this.events.flatMap((event) =>
      'commandId' in event && event.commandId === commandId ? [event.type.slice('command.'.length)] : [],
    );
  }

  eventPublisher(): EventPublisher {
    let closed = false;
    const publish = (event: ChargingEventMessage): Promise<void> => {
      if (closed) return Promise.reject(new WattstreamError('PUBLISHER_CLOSED', 'closed'));
      const parsed = chargingEvent.safeParse(event);
      if (!parsed.success)
        return Promise.reject(new WattstreamError('MESSAGE_INVALID', parsed.error.message));
      return new Promise((resolve) => {
        const deliver = (): void => {
          this.log.push({
            offset: this.log.length,
            routingKey: event.type,
            id: event.id,
            app: '',
            publishedAt: Math.floor(Date.parse(event.at) / 1_000) * 1_000,
            body: JSON.stringify(event),
          });
          this.wake();
          resolve();
        };
        if (this.isAway) this.unconfirmed.push(deliver);
        else setImmediate(deliver);
      });
    };
    return {
      publishChargingEvent: publish,
      publishNotification: async () => {},
      publishCMSEvent: async () => {},
      publishLoginEvent: async () => {},
      get unconfirmed() {
        return 0;
      },
      close: async () => {
        closed = true;
      },
    };
  }

  receive(handler: CommandHandler): CommandReceiver {
    const queue: Queue = { handler, bound: new Set() };
    this.queues.add(queue);
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
        setImmediate(() => {
          for (const other of this.boundTo(held.chargePointId)) other.handler.held(held);
        });
      },
      close: async () => {
        this.queues.delete(queue);
      },
    };
  }

  sender(): CommandSender {
    return {
      locate: async (chargePointId) => {
        if (this.isAway) throw new WattstreamError('BROKER_UNREACHABLE', 'away', { canRetry: true });
        const held = this.boundTo(chargePointId)
          .map(({ handler }) => handler.locate(chargePointId))
          .filter((one): one is HeldCharger => one !== undefined);
        return held.sort((a, b) => Date.parse(b.since) - Date.parse(a.since))[0];
      },
      publishChargingCommand: async (command) => {
        chargingCommand.parse(command);
        this.commands.push(command);
        const fate = this.fates.shift();
        if (fate === 'not-sent' || fate === 'offline') return fate;
        const queues = this.isAway ? [] : this.boundTo(command.chargePointId);
        for (const { handler } of queues) setImmediate(() => handler.command(command));
        if (fate !== undefined) return fate;
        return this.isAway ? 'not-sent' : queues.length > 0 ? 'taken' : 'offline';
      },
      close: async () => {},
    };
  }

  eventLog(): EventLog {
    return {
      follow: ({ from, accept, onLevel }) => {
        let next =
          'after' in from ? from.after + 1 : 'from' in from && from.from === 'next' ? this.log.length : 0;
        let running = false;
        let closed = false;
        const level = this.log.length;
        let told = false;
        const run = async (): Promise<void> => {
          if (running) return;
          running = true;
          while (!closed && !this.isAway && next < this.log.length) {
            await accept(this.log[next] as EventRecord);
            next++;
          }
          running = false;
          if (!told && next >= level) {
            told = true;
            onLevel?.();
          }
        };
        const wake = (): void => {
          setImmediate(() => void run());
        };
        this.followers.add(wake);
        wake();
        return {
          get position() {
            return next - 1;
          },
          close: async () => {
            closed = true;
            this.followers.delete(wake);
          },
        };
      },
      bounds: async () => ({
        first: this.log.length === 0 ? undefined : 0,
        last: this.log.length === 0 ? undefined : this.log.length - 1,
      }),
      close: async () => {},
    };
  }

  keptCommands(): KeptCommands {
    return {
      keep: async (command) => {
        await this.here();
        this.kept.push(keptCommand.parse(command));
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
    if (active === undefined) return;
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

  private boundTo(chargePointId: string): Queue[] {
    return [...this.queues].filter(({ bound }) => bound.has(chargePointId));
  }

  /** Waits for the broker to be there. */
  private here(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isAway) this.unconfirmed.push(resolve);
      else setImmediate(resolve);
    });
  }

  private wake(): void {
    for (const wake of this.followers) wake();
  }
}
