import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, SECOND, some, someVisit } from './cars.js';

/** Everybody comes within a quarter of an hour, and the next car waits behind each. */
export const rushHour: Scenario = {
  name: 'rush-hour',
  about: 'every connector taken within 15 minutes, the next car waiting behind each',
  durationMs: HOUR,
  tailMs: HOUR / 2,
  speed: 60,
  sampleSeconds: 60,
  visit: ({ random, profile, nth }) =>
    someVisit(random, profile, {
      afterMs: nth === 0 ? some(random, 0, 15 * MINUTE) : some(random, 20 * SECOND, 2 * MINUTE),
      stayMs: some(random, 8 * MINUTE, 25 * MINUTE),
    }),
  faults: () => ({}),
};
