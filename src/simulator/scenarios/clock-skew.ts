import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/**
 * Clocks nobody set: a third shows 1970 at boot (and ignores the server's time), a third is whole hours off
 * (local time sent as UTC), a third is right.
 */
export const clockSkew: Scenario = {
  name: 'clock-skew',
  about: 'a third of the clocks begin in 1970, a third are whole hours off, a third are right',
  durationMs: 2 * HOUR,
  tailMs: HOUR,
  speed: 60,
  sampleSeconds: 60,
  visit: ({ random, profile, nth }) =>
    someVisit(random, profile, {
      afterMs: nth === 0 ? some(random, 0, 5 * MINUTE) : some(random, 2 * MINUTE, 15 * MINUTE),
      stayMs: some(random, 5 * MINUTE, 30 * MINUTE),
    }),
  faults: ({ random, profile }) => {
    const hours = random.pick([-5, -2, -1, 1, 2, 3]);
    const clocks = [{ kind: 'epoch' }, { kind: 'hours', hours }, { kind: 'right' }] as const;
    return { clock: clocks[profile.index % 3]! };
  },
};
