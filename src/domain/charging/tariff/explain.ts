/** A cost in sentences: for support, for whoever disputes a bill. Everything in it stands in the explanation. */
import type { Cost, ExplainedLine, ExplainedPeriod, Note } from './cost.js';
import { OCPI_DECIMALS } from './cost.js';
import { Exact } from './exact.js';
import { wallClock } from './local-time.js';

const NOTES: Readonly<Record<Note, string>> = {
  'no-energy': 'Nothing was charged: only what is expressly meant for such a session counts.',
  'vat-unknown': 'The limit that changed the price says nothing of VAT, and the tariff has several rates.',
  'period-outlasts-component': 'A period is longer than its price holds; its maker should have cut it.',
};

const UNITS: Readonly<Record<ExplainedLine['dimension'], string>> = {
  ENERGY: ' kWh',
  TIME: ' h charging',
  PARKING_TIME: ' h parking',
  RESERVATION_TIME: ' h reserved',
  FLAT: ' fee',
};

/** One line each for periods, prices, limits, totals. Times are the station's where its zone is known, else UTC. */
export function explain(cost: Cost): string[] {
  const { periods, limits, timeZone, rounding, tariffId, sum } = cost.explanation;
  return [
    `Tariff ${tariffId}, amounts in ${cost.currency}, times in ${timeZone ?? 'UTC'}`,
    ...periods.flatMap((period) => [periodText(period, timeZone), ...period.lines.map(lineText)]),
    `Sum ${shown(sum.exclVat)}, with VAT ${shown(sum.inclVat)}`,
    ...limits.map(
      ({ limit, vat, before, after }) =>
        `${limit} makes ${shown(before)} ${shown(after)}${vat === 'incl' ? ' with VAT' : ''}`,
    ),
    ...cost.notes.map((note) => NOTES[note]),
    `To be paid, rounded once to ${rounding.decimals} decimals: ${cost.exclVat}, with VAT ${cost.inclVat ?? 'unknown'}`,
  ];
}

const shown = (exact: string): string => Exact.of(exact).round(OCPI_DECIMALS);

function periodText(period: ExplainedPeriod, zone: string | null): string {
  const edge = (at: string, energy: string, read: boolean) =>
    `${clockText(at, zone)} at ${shown(energy)} kWh (${read ? 'read' : 'between two readings'})`;
  const from = edge(period.from, period.energyFrom, period.readFrom);
  const to = edge(period.to, period.energyTo, period.readTo);
  return `From ${from} to ${to}${period.lines.length === 0 ? ': nothing has a price' : ''}`;
}

function clockText(at: string, zone: string | null): string {
  const { date, timeOfDay } = wallClock(Date.parse(at), zone ?? 'UTC');
  return `${date} ${new Date(timeOfDay).toISOString().slice(11, 19)}`;
}

function lineText({
  dimension,
  element,
  price,
  vat,
  stepSize,
  volume,
  stepAdded,
  ...amount
}: ExplainedLine): string {
  const added = stepAdded === '0' ? '' : ` + ${shown(stepAdded)} to full blocks (step_size ${stepSize})`;
  const tax = vat === null ? 'no VAT' : `with ${vat} % VAT ${shown(amount.inclVat)}`;
  return `  ${shown(volume)}${UNITS[dimension]}${added} x ${price} (element ${element}) = ${shown(amount.exclVat)}, ${tax}`;
}
