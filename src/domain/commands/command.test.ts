import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CommandStep, commandStep, isTerminal } from '../messages/charging-events.js';
import { type Command, endsBy, evolveCommand } from './command.js';
import { commandStepOf } from './steps.js';

const of = { id: '7f3e1a52-1111-4111-8111-111111111111', chargePointId: 'CP' };
const held = { gateway: 'g', connection: 'c' };
const at = Date.parse('2026-11-25T12:00:00Z');
const later = (seconds: number) => new Date(at + seconds * 1_000).toISOString();

const requested = (queueUntil: string | null = null) =>
  commandStepOf('command.requested', of, at, {
    action: 'Reset',
    operation: 'reset',
    protocol: 'ocpp1.6',
    payload: { type: 'Soft' },
    digest: 'd',
    actor: 'anna',
    deadline: later(30),
    queueUntil,
  });
const answer = { ...held, status: 'Accepted', response: { status: 'Accepted' } };
const STEPS = {
  kept: commandStepOf('command.kept', of, at + 1, { queueUntil: later(600) }),
  released: commandStepOf('command.released', of, at + 2, { deadline: later(90) }),
  sent: commandStepOf('command.sent', of, at + 3, held),
  accepted: commandStepOf('command.accepted', of, at + 4, answer),
  rejected: commandStepOf('command.rejected', of, at + 4, { ...answer, status: 'Rejected' }),
  failed: commandStepOf('command.failed', of, at + 4, { code: 'NotSupported', description: '', details: {} }),
  notDelivered: commandStepOf('command.timed-out', of, at + 5, { delivery: 'not-delivered', detail: '' }),
  unknown: commandStepOf('command.timed-out', of, at + 5, { delivery: 'delivery-unknown', detail: '' }),
  offline: commandStepOf('command.offline', of, at + 5, { detail: '' }),
} as const;
const fold = (steps: readonly CommandStep[]): Command | undefined =>
  steps.reduce<Command | undefined>(evolveCommand, undefined);

test('steps are as their schemas say', () => {
  for (const step of [requested(), ...Object.values(STEPS)]) expect(commandStep.parse(step)).toEqual(step);
});

test('sent and accepted', () => {
  expect(fold([requested(), STEPS.sent, STEPS.accepted])).toMatchObject({
    state: 'accepted',
    sent: held,
    outcome: { status: 'Accepted' },
    steps: [{ type: 'command.requested' }, { type: 'command.sent' }, { type: 'command.accepted' }],
  });
});

test('kept: it ends by queueUntil, and once released by the deadline of the release', () => {
  const kept = fold([requested(later(600)), STEPS.kept])!;
  expect(endsBy(kept)).toBe(at + 600_000);
  const released = evolveCommand(kept, STEPS.released)!;
  expect([released.state, endsBy(released)]).toEqual(['released', at + 90_000]);
  expect(endsBy(fold([requested()])!)).toBe(at + 30_000);
});

test('a command whose request was not read is not known', () => {
  expect(fold([STEPS.sent, STEPS.accepted])).toBeUndefined();
});

test('"not delivered", said without knowing of the sent in the log, is not believed', () => {
  expect(fold([requested(), STEPS.sent, STEPS.notDelivered])).toMatchObject({
    state: 'timed-out',
    outcome: { delivery: 'delivery-unknown' },
  });
  expect(fold([requested(), STEPS.notDelivered, STEPS.sent])).toMatchObject({
    outcome: { delivery: 'not-delivered' },
    sent: undefined,
  });
});

const anySteps = fc.array(fc.constantFrom<CommandStep>(requested(), ...Object.values(STEPS)), {
  maxLength: 12,
});

test('for any steps in any order: the first terminal one after the request is what came of it, for ever', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const all = [requested(), ...steps];
      const first = steps.find(({ type }) => isTerminal(type));
      const command = fold(all)!;
      expect(command.outcome?.id).toBe(first?.id);
      if (first !== undefined) expect(`command.${command.state}`).toBe(first.type);
      // Nobody who reads on sees anything else.
      if (first !== undefined) expect(fold(all.slice(0, all.indexOf(first) + 1))).toEqual(command);
    }),
  );
});

test('repeats change nothing, wherever they come', () => {
  fc.assert(
    fc.property(anySteps, fc.array(fc.nat()), (steps, places) => {
      const all = [requested(), ...steps];
      const repeated = places.reduce((log, place) => {
        const from = place % log.length;
        // Anywhere after the original.
        const to = from + 1 + (place % (log.length - from));
        return [...log.slice(0, to), log[from] as CommandStep, ...log.slice(to)];
      }, all);
      expect(fold(repeated)).toEqual(fold(all));
    }),
  );
});

test('no step twice, and nothing after the end', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const types = (fold([requested(), ...steps])?.steps ?? []).map(({ type }) => type);
      expect(new Set(types).size).toBe(types.length);
      const end = types.findIndex(isTerminal);
      if (end !== -1) expect(end).toBe(types.length - 1);
    }),
  );
});
