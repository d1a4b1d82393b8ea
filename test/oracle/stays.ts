/** Tariffs and stays of cars, as a tariff manager would tell them. */

import type { Cost, Pricing } from '../../src/domain/charging/tariff/cost.js';
import type { Course, Reading } from '../../src/domain/charging/tariff/course.js';
import {
  type PriceComponent,
  type Tariff,
  type TariffRestrictions,
  tariff,
} from '../../src/domain/charging/tariff/shape.js';

type More = Partial<Omit<PriceComponent, 'type' | 'price'>>;
const component =
  (type: PriceComponent['type'], step_size: number) =>
  (price: number, more: More = {}): PriceComponent => ({ type, price, step_size, ...more });

/** Prices per kWh, hour, hour and session; blocks of a watt-hour or a second unless said. */
export const perKWh = component('ENERGY', 1);
export const perHour = component('TIME', 1);
export const perIdleHour = component('PARKING_TIME', 1);
export const fee = component('FLAT', 1);

export interface Element {
  readonly price_components: PriceComponent[];
  readonly restrictions?: TariffRestrictions;
}

export const always = (...price_components: PriceComponent[]): Element => ({ price_components });
export const when = (restrictions: TariffRestrictions, ...price_components: PriceComponent[]): Element => ({
  price_components,
  restrictions,
});

export const tariffOf = (elements: Element[], more: Partial<Tariff> = {}): Tariff =>
  tariff.parse({ id: 'T-1', currency: 'EUR', elements, ...more });

/** A stretch of a stay at constant power; none is parking. */
export interface Stretch {
  readonly minutes: number;
  readonly kWh: number;
  readonly amperes?: number;
}

export const charge = (minutes: number, kWh: number, amperes?: number): Stretch => ({
  minutes,
  kWh,
  ...(amperes === undefined ? {} : { amperes }),
});
export const park = (minutes: number): Stretch => ({ minutes, kWh: 0 });

/** @param start any text of an instant, best with the station's offset: `2026-03-28T22:00+01:00` */
export function stay(start: string, ...stretches: Stretch[]): Course {
  const startAt = Date.parse(start);
  let at = startAt;
  let milli = 0;
  const curve = [{ at, milli }];
  const current: Reading[] = [];
  for (const { minutes, kWh, amperes } of stretches) {
    if (amperes !== undefined) current.push({ at, milli: amperes * 1_000 });
    at += minutes * 60_000;
    milli += Math.round(kWh * 1_000_000);
    curve.push({ at, milli });
  }
  return { startAt, endAt: at, curve, current };
}

export function costIn(pricing: Pricing): Cost {
  if (pricing.kind === 'unpriced') throw new Error(`${pricing.reason}: ${pricing.detail}`);
  return pricing.cost;
}
