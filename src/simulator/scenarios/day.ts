import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/** How busy each hour (UTC) of a city's day is, relative to the busiest. */
const BUSY = [
  0.1, 0.05, 0.05, 0.05, 0.1, 0.2, 0.45, 0.7, 0.8, 0.6, 0.5, 0.55, 0.65, 0.6, 0.55, 0.6, 0.75, 0.95, 1, 0.9,
  0.7, 0.5, 0.3, 0.2,
] as const;
/** Between two cars at one free connector in the busiest hour, on average. */
const BUSIEST_GAP_MS = 40 * MINUTE;

/** A day in the city: arrivals follow the hour, by thinning a Poisson process of the busiest hour's rate. */
export const day: Scenario = {
  name: 'day',
  about: 'a day in the city, arrivals by the hour',
  durationMs: 24 * HOUR,
  tailMs: 6 * HOUR,
  speed: 720,
  sampleSeconds: 300,
  visit: ({ random, profile, at }) => {
    let afterMs = 0;
    do afterMs += Math.max(MINUTE, random.exponential(BUSIEST_GAP_MS));
    while (random.next() > BUSY[new Date(at + afterMs).getUTCHours()]! && afterMs < 48 * HOUR);
    const stayMs =
      profile.current === 'AC' ? some(random, HOUR, 5 * HOUR) : some(random, 12 * MINUTE, 50 * MINUTE);
    return someVisit(random, profile, { afterMs: Math.round(afterMs), stayMs });
  },
  faults: () => ({}),
};
