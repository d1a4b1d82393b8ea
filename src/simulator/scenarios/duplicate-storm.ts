import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/**
 * Firmware that does not believe in answers: every transaction frame goes out one to three times, under the
 * same message id or a fresh one; stops are said twice, first without a reason; and meter values follow the stop.
 */
export const duplicateStorm: Scenario = {
  name: 'duplicate-storm',
  about: 'every transaction frame one to three times, two stops per session, meter values after the stop',
  durationMs: HOUR,
  tailMs: HOUR / 2,
  speed: 60,
  sampleSeconds: 60,
  visit: ({ random, profile }) =>
    someVisit(random, profile, {
      afterMs: some(random, MINUTE, 8 * MINUTE),
      stayMs: some(random, 4 * MINUTE, 20 * MINUTE),
    }),
  faults: () => ({
    repetition: (random) => ({ times: random.whole(0, 2), id: random.chance(0.5) ? 'same' : 'fresh' }),
    stopsTwice: true,
    valuesAfterStop: true,
  }),
};
