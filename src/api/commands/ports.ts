/** What the commands of the api ask of the rest, beside the queues and the events' log. */
import type { Command } from '../../domain/commands/command.js';
import type { Protocol } from '../../domain/ocpp/record.js';

/**
 * What is older than an api's memory. Each answers undefined when there is nothing; rejects when it cannot be asked now.
 */
export interface CommandHistory {
  find(commandId: string): Promise<Command | undefined>;
  /** Version of the local list that the charger accepted last. */
  listVersion(chargePointId: string): Promise<number | undefined>;
  /** What it spoke when it was here last. */
  protocol(chargePointId: string): Promise<Protocol | undefined>;
}

export interface CommandClock {
  /** Epoch milliseconds. */
  now(): number;
}
