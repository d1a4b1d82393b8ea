/**
 * What this process knows of commands: the events' log, followed from about an hour ago, folded into memory. What came of
 * a command is what the log says, so whoever waits for one waits for this book, also when it was this process that
 * published the step. Two apis that have read the same say the same.
 *
 * It forgets ended commands after the time it remembers, long ones sooner; open ones stay until they end.
 */
import { type Command, evolveCommand, isOpen, type Requested } from '../../domain/commands/command.js';
import {
  type ChargingEventMessage,
  type CommandStep,
  chargerEvent,
  commandStep,
} from '../../domain/messages/charging-events.js';
import { ownNumbers } from '../../domain/ocpp/commands/numbers.js';
import { PROTOCOLS, type Protocol } from '../../domain/ocpp/record.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { EventLog, EventRecord, Following } from '../../streams/ports.js';
import { Waiters } from '../waiters.js';
import type { CommandClock } from './ports.js';

export interface BookOptions {
  readonly log: Pick<EventLog, 'follow'>;
  readonly clock: CommandClock;
  readonly rememberMs: number;
  readonly logger: Logger;
}

/** Local lists to thousands of chargers would fill the memory of every api: once they have ended the tables tell. */
const LONG_ONES_MS = 300_000;
const LONG_LIST = 20;
const isLong = ({ localAuthorizationList: list }: Requested['payload']): boolean =>
  Array.isArray(list) && list.length > LONG_LIST;

export class CommandBook {
  private readonly commands = new Map<string, Command>();
  private readonly waiters = new Waiters<Command>();
  private readonly listVersions = new Map<string, number>();
  private readonly protocols = new Map<string, Protocol>();
  private readonly onlineListeners = new Set<(chargePointId: string) => void>();
  private readonly following: Following;
  private readonly tidying: NodeJS.Timeout;
  private isLevel = false;

  constructor(private readonly options: BookOptions) {
    const { log, clock, rememberMs } = options;
    this.following = log.follow({
      from: { since: clock.now() - rememberMs },
      accept: (record) => this.accept(record),
      onLevel: () => {
        this.isLevel = true;
      },
    });
    this.tidying = setInterval(() => this.forget(), Math.min(60_000, rememberMs)).unref();
  }

  /** Everything that was in the log at the start has been read. */
  get level(): boolean {
    return this.isLevel;
  }

  get(commandId: string): Command | undefined {
    return this.commands.get(commandId);
  }

  /** A command from before what was read here, so that its further steps are understood. */
  adopt(command: Command): void {
    const { commandId } = command.requested;
    if (!this.commands.has(commandId)) this.commands.set(commandId, command);
  }

  /** Newest first. */
  recent(isWanted: (chargePointId: string) => boolean, limit: number): Command[] {
    const found: Command[] = [];
    for (const command of [...this.commands.values()].reverse()) {
      if (found.length === limit) break;
      if (isWanted(command.requested.chargePointId)) found.push(command);
    }
    return found;
  }

  *open(): Iterable<Command> {
    for (const command of this.commands.values()) if (isOpen(command)) yield command;
  }

  /** Version of the local list the charger accepted last, as far as is remembered here. */
  listVersion(chargePointId: string): number | undefined {
    return this.listVersions.get(chargePointId);
  }

  /** What it spoke when it came last. */
  protocol(chargePointId: string): Protocol | undefined {
    return this.protocols.get(chargePointId);
  }

  /** Resolves with the command as soon as the log says so of it; undefined after `withinMs`. */
  until(
    commandId: string,
    is: (command: Command) => boolean,
    withinMs: number,
  ): Promise<Command | undefined> {
    return this.waiters.until(commandId, this.commands.get(commandId), is, withinMs);
  }

  /** Called with the charge point whenever one came online; returns how to stop. */
  onOnline(listener: (chargePointId: string) => void): () => void {
    this.onlineListeners.add(listener);
    return () => this.onlineListeners.delete(listener);
  }

  async close(): Promise<void> {
    clearInterval(this.tidying);
    this.waiters.close();
    await this.following.close();
  }

  /** Most of the log is about sessions: it is passed over by routing key, unparsed. */
  private accept({ routingKey, body }: EventRecord): void {
    if (!routingKey.startsWith('command.') && routingKey !== 'charger.online') return;
    try {
      const event = JSON.parse(body) as ChargingEventMessage;
      if (routingKey === 'charger.online') this.onCharger(event);
      else this.fold(commandStep.parse(event));
    } catch (error) {
      // Of another version of this program, or not ours: what others made of it stands without it.
      this.options.logger.warn({ routingKey, error: messageOf(error) }, 'an event could not be read');
    }
  }

  private fold(step: CommandStep): void {
    const before = this.commands.get(step.commandId);
    const command = evolveCommand(before, step);
    if (command === undefined || command === before) return;
    this.commands.set(step.commandId, command);
    this.learn(command);
    this.waiters.say(step.commandId, command);
  }

  private learn({ requested, outcome }: Command): void {
    const { chargePointId, action, payload } = requested;
    const protocol = PROTOCOLS.find((one) => one === requested.protocol);
    if (outcome?.type !== 'command.accepted' || protocol === undefined) return;
    for (const { what, number } of ownNumbers(protocol, action, payload))
      if (what === 'local-list') this.listVersions.set(chargePointId, number);
  }

  private onCharger(event: ChargingEventMessage): void {
    const { chargePointId, protocol } = chargerEvent.parse(event);
    const known = PROTOCOLS.find((one) => one === protocol);
    if (known !== undefined) this.protocols.set(chargePointId, known);
    for (const listener of this.onlineListeners) listener(chargePointId);
  }

  private forget(): void {
    const { clock, rememberMs } = this.options;
    const [usual, soon] = [rememberMs, Math.min(rememberMs, LONG_ONES_MS)].map((ms) =>
      new Date(clock.now() - ms).toISOString(),
    ) as [string, string];
    for (const [id, { outcome, requested }] of this.commands)
      if (outcome !== undefined && outcome.at < (isLong(requested.payload) ? soon : usual))
        this.commands.delete(id);
  }
}
