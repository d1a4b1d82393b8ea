/** Promise 1: every frame that was answered is in the log, and nothing is in it more often than it was sent. */
import type { LedgerFrame } from '../../simulator/ledger.js';
import { type Check, Differences } from './check.js';

const nameOf = (frame: { chargePointId: string; messageId: string; text: string }): string =>
  `${frame.chargePointId}\n${frame.messageId}\n${frame.text}`;

const shown = (frame: LedgerFrame): string => `${frame.chargePointId} ${frame.action} ${frame.messageId}`;

export const answeredIsKept: Check = {
  name: 'answered is kept',
  about:
    'each frame that a charger sent is in the log at least as often as it was answered and at most as often as it was transmitted, byte for byte, and nothing else is',
  async run({ delivered, log }) {
    const differences = new Differences();
    const stored = new Map<string, number>();
    let calls = 0;
    for (const { chargePointId, messageId, body, direction } of log) {
      if (messageId === undefined || direction !== 'in') continue;
      calls++;
      const name = nameOf({ chargePointId, messageId, text: body });
      stored.set(name, (stored.get(name) ?? 0) + 1);
    }
    let answered = 0;
    for (const frame of delivered.frames) {
      const times = stored.get(nameOf(frame)) ?? 0;
      const answers = frame.answers.length + frame.errors.length;
      if (answers > 0) answered++;
      if (times < answers)
        differences.add(`${shown(frame)}: answered ${answers} times, in the log ${times} times`);
      if (times > frame.transmissions)
        differences.add(
          `${shown(frame)}: transmitted ${frame.transmissions} times, in the log ${times} times`,
        );
      stored.delete(nameOf(frame));
    }
    for (const name of stored.keys())
      differences.add(`in the log, but no charger sent it: ${name.replaceAll('\n', ' ').slice(0, 300)}`);
    return {
      compared: {
        'frames of chargers': delivered.frames.length,
        'answered frames': answered,
        'calls in the log': calls,
      },
      differences,
    };
  },
};
