/** What a command that carried a key came to, for the rotation. */
import type { Command } from '../../domain/commands/command.js';
import type { RotationAnswer } from '../../domain/registry/rotating.js';

/** A code of ours, not of OCPP's CALLERRORs: it was never written to the charger (`ingest/commands.ts`). */
const NOT_WRITTEN = /^[A-Z]+(_[A-Z]+)+$/;

/** undefined: not known yet. */
export function answerOf(command: Command): RotationAnswer | undefined {
  const { outcome } = command;
  switch (outcome?.type) {
    case undefined:
      return undefined;
    case 'command.accepted':
      return outcome.status === 'RebootRequired'
        ? { outcome: 'reboot-required', detail: 'the charger takes it with its next boot: reset it' }
        : { outcome: 'accepted' };
    case 'command.rejected':
      return {
        outcome: 'refused',
        detail: `the charger said ${outcome.status || 'nothing that could be read'}`,
      };
    case 'command.failed':
      return command.sent === undefined || NOT_WRITTEN.test(outcome.code)
        ? { outcome: 'not-sent', detail: `${outcome.code} ${outcome.description}`.trim() }
        : {
            outcome: 'refused',
            detail: `the charger answered ${outcome.code} ${outcome.description}`.trim(),
          };
    case 'command.offline':
      return { outcome: 'not-sent', detail: outcome.detail };
    case 'command.timed-out':
      return outcome.delivery === 'not-delivered'
        ? { outcome: 'not-sent', detail: outcome.detail }
        : { outcome: 'unknown', detail: outcome.detail };
  }
}
