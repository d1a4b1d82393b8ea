/** What is older than memory, asked of the tables by their named questions. */
import type { Queries } from '../../analytics/ports.js';
import { type Command, evolveCommand } from '../../domain/commands/command.js';
import { commandStep } from '../../domain/messages/charging-events.js';
import { PROTOCOLS } from '../../domain/ocpp/record.js';
import type { CommandHistory } from './ports.js';

export const historyFrom = (queries: Pick<Queries, 'ask'>): CommandHistory => ({
  /** Folded out of its events by the rules that fold them in memory, so that both say the same. */
  async find(commandId) {
    const { rows } = await queries.ask('command', { command_id: commandId });
    const events = (rows[0]?.events ?? []) as readonly string[];
    return events.reduce<Command | undefined>((command, text) => {
      const step = commandStep.safeParse(JSON.parse(text));
      return step.success ? evolveCommand(command, step.data) : command;
    }, undefined);
  },
  async listVersion(chargePointId) {
    const { rows } = await queries.ask('local-lists', { charge_point_id: chargePointId });
    const version = rows[0]?.version;
    return typeof version === 'number' ? version : undefined;
  },
  async protocol(chargePointId) {
    const { rows } = await queries.ask('chargers', { charge_point_id: chargePointId });
    return PROTOCOLS.find((protocol) => protocol === rows[0]?.protocol);
  },
});
