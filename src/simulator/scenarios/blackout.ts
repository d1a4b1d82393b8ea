import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/**
 * The network of a whole city goes away at once, for every second charger in the middle of a CALL, and comes
 * back staggered over ten minutes: everybody reconnects, and delivers what was kept.
 */
export const blackout: Scenario = {
  name: 'blackout',
  about:
    'all lose the connection after 20 minutes, half of them in the middle of a CALL, and return staggered with full queues',
  durationMs: 90 * MINUTE,
  tailMs: HOUR,
  speed: 60,
  sampleSeconds: 60,
  visit: ({ random, profile, nth }) =>
    someVisit(random, profile, {
      afterMs: nth === 0 ? some(random, 0, 10 * MINUTE) : some(random, MINUTE, 10 * MINUTE),
      stayMs: some(random, 5 * MINUTE, HOUR / 2),
    }),
  faults: ({ random }) => ({
    outages: [
      { fromMs: 20 * MINUTE, toMs: some(random, 40 * MINUTE, 50 * MINUTE), midCall: random.chance(0.5) },
    ],
  }),
};
