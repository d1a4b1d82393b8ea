import { WattstreamError } from '../../platform/errors.js';
import type { Scenario } from '../charger/behaviour.js';
import { blackout } from './blackout.js';
import { clockSkew } from './clock-skew.js';
import { day } from './day.js';
import { duplicateStorm } from './duplicate-storm.js';
import { meterReset } from './meter-reset.js';
import { offlineQueue } from './offline-queue.js';
import { rushHour } from './rush-hour.js';
import { steady } from './steady.js';

/** Every scenario there is, in the order in which help lists them. */
export const SCENARIOS: readonly Scenario[] = [
  steady,
  day,
  rushHour,
  blackout,
  duplicateStorm,
  offlineQueue,
  clockSkew,
  meterReset,
];

/** Throws SCENARIO_UNKNOWN, naming those that exist. */
export function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario !== undefined) return scenario;
  throw new WattstreamError('SCENARIO_UNKNOWN', `There is no scenario "${name}"`, {
    remedy: `One of: ${SCENARIOS.map((one) => one.name).join(', ')}`,
  });
}
