/**
 * A command that is in the log on its way to the gateway that holds the charger, at most once.
 *
 * 1. `taken`: a gateway's queue has it; what comes of it, the gateway says (or, when it dies, the sweep).
 * 2. `unknown`: the connection broke before the confirm. Nothing more is done: it may have arrived.
 * 3. `offline`: RabbitMQ gave it back. Certainly not delivered.
 * 4. `not-sent`: it never left this process, so it may be tried again while there is time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ChargingCommand, HeldCharger } from '../../domain/messages/commands.js';
import type { Call } from '../../domain/ocpp/commands/operation.js';
import type { CommandSender } from '../../queues/ports.js';
import type { CommandClock } from './ports.js';

const AGAIN_MS = 250;

export interface Dispatch {
  readonly commandId: string;
  readonly held: HeldCharger;
  readonly call: Call;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

export async function dispatch(
  sender: Pick<CommandSender, 'publishChargingCommand'>,
  clock: CommandClock,
  { commandId, held, call, deadline }: Dispatch,
): Promise<'taken' | 'unknown' | 'offline' | 'overdue'> {
  const command: ChargingCommand = {
    id: commandId,
    schema: 1,
    at: new Date(clock.now()).toISOString(),
    type: 'command',
    chargePointId: held.chargePointId,
    connection: held.connection,
    protocol: held.protocol,
    action: call.action,
    payload: call.payload,
    deadline: new Date(deadline).toISOString(),
  };
  while (clock.now() < deadline) {
    const fate = await sender.publishChargingCommand(command);
    if (fate !== 'not-sent') return fate;
    await pause(AGAIN_MS);
  }
  return 'overdue';
}
