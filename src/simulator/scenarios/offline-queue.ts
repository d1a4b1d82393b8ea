import type { Scenario } from '../charger/behaviour.js';
import { HOUR, MINUTE, some, someVisit } from './cars.js';

/**
 * Garages without reception: hours of sessions are delivered late, in order. Every third charger never notes
 * the answer to a start it queued, and says transactionId -1 from then on.
 */
export const offlineQueue: Scenario = {
  name: 'offline-queue',
  about:
    'hours of sessions delivered late; every third 1.6 charger says transactionId -1 for those begun offline',
  durationMs: 10 * HOUR,
  tailMs: 9 * HOUR,
  speed: 600,
  sampleSeconds: 300,
  visit: ({ random, profile }) =>
    someVisit(random, profile, {
      afterMs: some(random, 5 * MINUTE, 40 * MINUTE),
      stayMs: some(random, 15 * MINUTE, 90 * MINUTE),
    }),
  faults: ({ random, profile }) => {
    const fromMs = some(random, 5 * MINUTE, 30 * MINUTE);
    return {
      outages: [{ fromMs, toMs: fromMs + some(random, 3 * HOUR, 8 * HOUR), midCall: random.chance(0.3) }],
      losesOfflineIds: profile.index % 3 === 2,
    };
  },
};
