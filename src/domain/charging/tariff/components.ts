/**
 * Which price component counts for a dimension at a moment: the one of the first element that has one and whose
 * restrictions hold (OCPI 2.2.1, 11.3.1). None: the dimension costs nothing then.
 */
import { holds, type Moment, type Unknown } from './restrictions.js';
import { type PriceComponent, TARIFF_DIMENSIONS, type Tariff, type TariffDimension } from './shape.js';

/** A price component and where in the tariff it stands. */
export interface Applied {
  readonly element: number;
  readonly component: PriceComponent;
}

export type Components = Readonly<Partial<Record<TariffDimension, Applied>>>;

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
export function componentsAt(
  tariff: Tariff,
  moment: Moment,
  dimensions: Iterable<TariffDimension>,
): Components {
  const components: Partial<Record<TariffDimension, Applied>> = {};
  for (const dimension of dimensions) {
    const applied = firstThatHolds(tariff, moment, dimension);
    if (applied !== undefined) components[dimension] = applied;
  }
  return components;
}

function firstThatHolds(tariff: Tariff, moment: Moment, dimension: TariffDimension): Applied | undefined {
  for (const [element, { price_components, restrictions }] of tariff.elements.entries()) {
    const component = price_components.find(({ type }) => type === dimension);
    if (component === undefined) continue;
    const verdict = holds(restrictions, moment);
    if (verdict === true) return { element, component };
    if (verdict !== false) throw new Undecided(verdict, element);
  }
  return undefined;
}

/** Whether every component of `part` is in `whole`. */
export const containsComponents = (whole: Components, part: Components): boolean =>
  TARIFF_DIMENSIONS.every(
    (dimension) => part[dimension] === undefined || part[dimension].element === whole[dimension]?.element,
  );

export const sameComponents = (one: Components, other: Components): boolean =>
  containsComponents(one, other) && containsComponents(other, one);
