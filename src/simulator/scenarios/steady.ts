import type { Scenario } from '../charger/behaviour.js';
import { MINUTE, SECOND, some, someCar, someVisit } from './cars.js';

/**
 * What `npm start` shows: sessions at once, lasting minutes, for ever. Half the connectors get their first car
 * within a third of a second; the others within the first minute.
 */
export const steady: Scenario = {
  name: 'steady',
  about: 'charging sessions at once and for ever, each lasting minutes; nothing goes wrong',
  durationMs: Number.POSITIVE_INFINITY,
  tailMs: 10 * MINUTE,
  speed: 1,
  sampleSeconds: 10,
  visit: ({ random, profile, connectorId, nth }) => {
    const atOnce = nth === 0 && connectorId === 1 && (profile.index === 0 || random.chance(0.5));
    const usual = someVisit(random, profile, {
      afterMs: nth === 0 ? some(random, 2 * SECOND, MINUTE) : some(random, 5 * SECOND, MINUTE),
      stayMs: some(random, 2 * MINUTE, 8 * MINUTE),
    });
    return atOnce
      ? { ...usual, afterMs: random.whole(0, 300), tapAfterMs: 100 }
      : { ...usual, car: someCar(random, profile, [0.1, 0.95]) };
  },
  faults: () => ({}),
};
