/**
 * What a stay costs by a simple tariff, worked out the plain way: minute by minute, in whole numbers, knowing nothing
 * of the code under test. Prices are in thousandths; a stay is whole minutes of so many whole Wh each.
 */
export interface SimpleTariff {
  /** Per kWh, until `cheapWh` have been taken, and after. */
  readonly cheap: number;
  readonly dear: number;
  readonly cheapWh: number;
  /** Per hour of charging, by night (from, until: hours of the UTC day) and by day. */
  readonly nightHour: number;
  readonly dayHour: number;
  readonly nightFrom: number;
  readonly nightUntil: number;
  /** Per hour of parking once the stay has lasted so many minutes. */
  readonly idleHour: number;
  readonly graceMinutes: number;
  readonly fee: number;
}

export interface Minutes {
  /** Minute of the UTC day at which it begins. */
  readonly start: number;
  /** Wh taken in each minute; 0 is parking. */
  readonly wh: readonly number[];
}

/** Thousandths of thousandths of the currency, times 60: so that Wh and minutes divide evenly. */
export const ORACLE_UNIT = 60_000_000;

export function plainPrice(tariff: SimpleTariff, { start, wh }: Minutes): bigint {
  if (wh.every((taken) => taken === 0)) {
    return wh.reduce((sum, _, i) => sum + idle(tariff, i), 0n);
  }
  let sum = BigInt(tariff.fee) * 60_000n;
  let before = 0;
  wh.forEach((taken, i) => {
    if (taken === 0) {
      sum += idle(tariff, i);
      return;
    }
    const cheapWh = Math.max(0, Math.min(tariff.cheapWh - before, taken));
    sum += (BigInt(cheapWh * tariff.cheap) + BigInt((taken - cheapWh) * tariff.dear)) * 60n;
    before += taken;
    const hour = Math.floor(((start + i) % 1440) / 60);
    const night =
      tariff.nightFrom < tariff.nightUntil
        ? hour >= tariff.nightFrom && hour < tariff.nightUntil
        : hour >= tariff.nightFrom || hour < tariff.nightUntil;
    sum += BigInt(night ? tariff.nightHour : tariff.dayHour) * 1_000n;
  });
  return sum;
}

const idle = (tariff: SimpleTariff, minute: number): bigint =>
  minute >= tariff.graceMinutes ? BigInt(tariff.idleHour) * 1_000n : 0n;
