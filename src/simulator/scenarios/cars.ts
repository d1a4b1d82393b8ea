import type { Visit } from '../charger/behaviour.js';
import type { CarModel } from '../charger/car.js';
import type { Profile } from '../charger/profile.js';
import type { Random } from '../random.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** Battery (Wh) and the most it takes from AC and DC (W): a small, a middle and a large car. */
const MODELS = [
  { capacityWh: 40_000, ac: 7_400, dc: 50_000 },
  { capacityWh: 62_000, ac: 11_000, dc: 120_000 },
  { capacityWh: 95_000, ac: 22_000, dc: 170_000 },
] as const;

/** A car as it comes in from the street. */
export function someCar(random: Random, { current }: Profile, soc: readonly [number, number]): CarModel {
  const model = random.pick(MODELS);
  return {
    capacityWh: model.capacityWh,
    soc: random.between(...soc),
    maxPowerW: current === 'AC' ? model.ac : model.dc,
  };
}

/** Whole seconds in a range given in milliseconds. */
export const some = (random: Random, fromMs: number, toMs: number): number =>
  Math.round(random.between(fromMs, toMs) / SECOND) * SECOND;

/** The unhurried visit; scenarios change what matters to them. */
export function someVisit(random: Random, profile: Profile, visit: Pick<Visit, 'afterMs' | 'stayMs'>): Visit {
  return {
    tapAfterMs: some(random, 2 * SECOND, 15 * SECOND),
    unplugAfterMs: some(random, 4 * SECOND, 60 * SECOND),
    pullsPlug: random.chance(0.15),
    car: someCar(random, profile, [0.1, 0.7]),
    ...visit,
  };
}
