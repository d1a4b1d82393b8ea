/** What charging costs by a tariff, before anybody has charged: the numbers for programs, sentences for people. Pure. */
import { Exact } from '../charging/tariff/exact.js';
import {
  inBothWays,
  type OcpiPrice,
  type Tariff,
  type TariffDimension,
  type TariffRestrictions,
} from '../charging/tariff/shape.js';

export interface PriceComponent {
  readonly type: TariffDimension;
  /** Decimals as text, per kWh, hour or session. */
  readonly exclVat: string;
  readonly inclVat: string;
  /** Per cent; null: none applies. */
  readonly vat: string | null;
  /** Wh or s; 0: no blocks. */
  readonly stepSize: number;
  readonly restrictions: TariffRestrictions | null;
  readonly words: string;
}

const UNITS: Readonly<Record<TariffDimension, string>> = {
  ENERGY: 'per kWh',
  TIME: 'per hour of charging',
  PARKING_TIME: 'per hour of parking without charging',
  FLAT: 'once per session',
};

/** In the order of the tariff: of each type the first that holds counts. Reservations' prices are left out. */
export function componentsOf(tariff: Tariff): PriceComponent[] {
  return tariff.elements
    .filter(({ restrictions }) => restrictions?.reservation == null)
    .flatMap(({ price_components: components, restrictions }) =>
      components.map(({ type, price, vat, step_size: stepSize }) => {
        const excl = Exact.of(price);
        const incl = excl.times(Exact.of(100 + (vat ?? 0))).over(Exact.of(100));
        const when = restrictions == null ? '' : whenOf(restrictions);
        const amount = `${shown(incl)} ${tariff.currency} ${UNITS[type]}`;
        const tax = vat == null ? '' : ` (${shown(excl)} and ${vat} % VAT)`;
        return {
          type,
          exclVat: excl.toString(),
          inclVat: incl.toString(),
          vat: vat == null ? null : Exact.of(vat).toString(),
          stepSize: type === 'FLAT' ? 0 : stepSize,
          restrictions: restrictions ?? null,
          words: `${amount}${tax}${when === '' ? '' : `, ${when}`}${stepOf(type, stepSize)}`,
        };
      }),
    );
}

export function priceInWords(tariff: Tariff): string {
  const limits = [
    ...(tariff.min_price == null ? [] : [`at least ${limitOf(tariff.min_price, tariff.currency)}`]),
    ...(tariff.max_price == null ? [] : [`at most ${limitOf(tariff.max_price, tariff.currency)}`]),
  ];
  return [...componentsOf(tariff).map(({ words }) => words), ...limits].join('; ');
}

const limitOf = (price: OcpiPrice, currency: string): string => {
  const { excl, incl } = inBothWays(price);
  return incl === null
    ? `${shown(Exact.of(excl))} ${currency} without VAT`
    : `${shown(Exact.of(incl))} ${currency}`;
};

/** At least two decimals, at most four, as prices are written. */
const shown = (amount: Exact): string => amount.round(4).replace(/(\.\d\d\d*?)0+$/, '$1');

const stepOf = (type: TariffDimension, step: number): string =>
  type === 'FLAT' || step <= 1 ? '' : `, in steps of ${step} ${type === 'ENERGY' ? 'Wh' : 's'}`;

function whenOf(given: TariffRestrictions): string {
  const said: string[] = [];
  const span = (from: unknown, to: unknown, unit: string, words: [string, string]): void => {
    if (from != null) said.push(`${words[0]} ${from}${unit}`);
    if (to != null) said.push(`${words[1]} ${to}${unit}`);
  };
  span(given.start_time, given.end_time, '', ['from', 'until']);
  span(given.start_date, given.end_date, '', ['from', 'until']);
  span(given.min_kwh, given.max_kwh, ' kWh', ['after', 'for the first']);
  span(given.min_current, given.max_current, ' A', ['with at least', 'with less than']);
  span(given.min_power, given.max_power, ' kW', ['with at least', 'with less than']);
  span(given.min_duration, given.max_duration, ' s', ['after', 'for the first']);
  if (given.day_of_week != null)
    said.push(`on ${given.day_of_week.map((day) => `${day[0]}${day.slice(1).toLowerCase()}`).join(', ')}`);
  return said.join(' ');
}
