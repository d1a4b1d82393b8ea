import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/** In every second session the energy register falls to 0 while the car charges. */
export const meterReset: Scenario = {
  name: 'meter-reset',
  about: 'in every second session the energy register falls to zero while the car charges',
  durationMs: 2 * HOUR,
  tailMs: HOUR,
  speed: 60,
  sampleSeconds: 60,
  visit: ({ random, profile, nth }) => {
    const usual = someVisit(random, profile, {
      afterMs: some(random, MINUTE, 10 * MINUTE),
      stayMs: some(random, 10 * MINUTE, 30 * MINUTE),
    });
    return nth % 2 === 0
      ? { ...usual, meterResetAfterMs: Math.round(usual.stayMs * random.between(0.3, 0.8)) }
      : usual;
  },
  faults: () => ({}),
};
