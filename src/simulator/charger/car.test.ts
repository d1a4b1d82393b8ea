import { describe, expect, it } from '@jest/globals';
import { Car } from './car.js';
import { difference, Meter } from './meter.js';

const MINUTE = 60_000;
const model = { capacityWh: 50_000, soc: 0.5, maxPowerW: 50_000 };

describe('a car at the plug', () => {
  it('takes constant power first, then less and less, then nothing', () => {
    const car = new Car(model, () => 150_000);
    const powers: number[] = [];
    for (let minute = 0; minute < 180; minute++) {
      powers.push(car.powerW);
      car.charge(MINUTE);
    }
    expect(powers[0]).toBe(50_000);
    const taper = powers.findIndex((power) => power < 50_000);
    expect(taper).toBeGreaterThan(10);
    for (let minute = taper; minute < powers.length; minute++)
      expect(powers[minute]!).toBeLessThanOrEqual(powers[minute - 1]!);
    expect(car.full).toBe(true);
    expect(car.charge(60 * MINUTE)).toBe(0);
    expect(car.soc).toBeLessThanOrEqual(1);
  });

  it('never takes more than the connector offers', () => {
    const car = new Car(model, () => 11_000);
    expect(car.charge(30 * MINUTE)).toBeCloseTo(5_500, 6);
  });

  it('takes the same however often one looks, while power is constant', () => {
    const [often, once] = [new Car(model, () => 11_000), new Car(model, () => 11_000)];
    let sum = 0;
    for (let look = 0; look < 60; look++) sum += often.charge(MINUTE / 2);
    expect(sum).toBeCloseTo(once.charge(30 * MINUTE), 6);
  });
});

describe('a meter', () => {
  it('counts in tenths, rounds down and loses nothing over many small steps', () => {
    const meter = new Meter(100);
    for (let step = 0; step < 1_000; step++) meter.add(0.0333);
    expect(meter.readingWh).toBe(133.3);
    meter.add(0.08);
    expect(meter.readingWh).toBe(133.3);
  });

  it('differences are free of binary noise', () => {
    expect(difference(0.3, 0.1)).toBe(0.2);
    expect(difference(1_000_000.3, 1_000_000.2)).toBe(0.1);
  });
});
