/**
 * Which price component counts for a dimension at a moment: the one of the first element that has one and whose
 * restrictions hold (OCPI 2.2.1, 11.3.1). None: the dimension costs nothing then.
 */
import { holds, type Moment, type Unknown } from './restrictions.js';
import type { PriceComponent, Tariff } from './shape.js';

/** What has a volume and may have a price: kWh or hours. */
export const MEASURED = ['ENERGY', 'TIME', 'PARKING_TIME', 'RESERVATION_TIME'] as const;
export type Measured = (typeof MEASURED)[number];

/** What is priced by itself. Reserved time is priced by TIME components, but is no charging time (11.4.5 TIME). */
export const DIMENSIONS = ['FLAT', ...MEASURED] as const;
export type Dimension = (typeof DIMENSIONS)[number];

const typeFor = (dimension: Dimension): PriceComponent['type'] =>
  dimension === 'RESERVATION_TIME' ? 'TIME' : dimension;

/** A price component and where in the tariff it stands. */
export interface Applied {
  readonly element: number;
  readonly component: PriceComponent;
}

export type Components = Readonly<Partial<Record<Dimension, Applied>>>;

/** Nobody can say which component counts, since this is not known. */
export class Undecided extends Error {
  constructor(
    readonly unknown: Unknown,
    readonly element: number,
  ) {
    super(`element ${element} depends on the ${unknown}, which is not known`);
  }
}

/**
 * @param dimensions those of which the period has a volume: of the others nobody needs to know
 * @throws Undecided
 */
export function componentsAt(tariff: Tariff, moment: Moment, dimensions: Iterable<Dimension>): Components {
  const components: Partial<Record<Dimension, Applied>> = {};
  for (const dimension of dimensions) {
    const applied = firstThatHolds(tariff, moment, dimension);
    if (applied !== undefined) components[dimension] = applied;
  }
  return components;
}

function firstThatHolds(tariff: Tariff, moment: Moment, dimension: Dimension): Applied | undefined {
  for (const [element, { price_components, restrictions }] of tariff.elements.entries()) {
    const component = price_components.find(({ type }) => type === typeFor(dimension));
    if (component === undefined) continue;
    const verdict = holds(restrictions, moment);
    if (verdict === true) return { element, component };
    if (verdict !== false) throw new Undecided(verdict, element);
  }
  return undefined;
}

/** Whether every component of `part` is in `whole`. */
export const containsComponents = (whole: Components, part: Components): boolean =>
  DIMENSIONS.every(
    (dimension) => part[dimension] === undefined || part[dimension].element === whole[dimension]?.element,
  );

export const sameComponents = (one: Components, other: Components): boolean =>
  containsComponents(one, other) && containsComponents(other, one);
