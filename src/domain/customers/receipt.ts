/**
 * A receipt out of a session and its cost. Pure, and nothing in it depends on when or where it is asked for: its date is
 * the day on which the session ended at the station, its number is made of the session's id, so that the same receipt
 * is the same text for ever, whichever process writes it.
 */
import type { Cost, ExplainedLine } from '../charging/tariff/cost.js';
import { Exact } from '../charging/tariff/exact.js';
import { explain } from '../charging/tariff/explain.js';
import { isTimeZone, offsetAt } from '../charging/tariff/local-time.js';

export interface ReceiptOf {
  readonly sessionId: string;
  /** eMI3 id where the registry has one. */
  readonly evseId: string;
  readonly chargePointId: string;
  readonly station: {
    readonly id: string;
    readonly name: string | null;
    readonly address: string | null;
    readonly city: string | null;
    readonly country: string | null;
  };
  readonly timeZone: string | null;
  readonly startedAt: number;
  readonly stoppedAt: number;
  readonly energyMilli: number;
  /** Integrated power: no register said it. */
  readonly estimated: boolean;
  readonly tariff: string;
  readonly supplier: {
    readonly name: string;
    readonly address: string | null;
    readonly vatId: string | null;
  };
  readonly customer: { readonly accountId: string; readonly name: string | null };
  readonly cost: Cost & { readonly inclVat: string };
}

export interface ReceiptLine {
  readonly dimension: ExplainedLine['dimension'];
  /** Per kWh, hour or session, without VAT. */
  readonly price: string;
  readonly vat: string | null;
  /** kWh, hours or number, with what full blocks added; 4 decimals. */
  readonly quantity: string;
  /** 4 decimals: rounded once, at the total. */
  readonly exclVat: string;
  readonly inclVat: string;
}

export interface ReceiptVat {
  /** Per cent; null: no VAT applies. */
  readonly rate: string | null;
  readonly basis: string;
  readonly amount: string;
}

export interface Receipt {
  readonly number: string;
  /** YYYY-MM-DD at the station. */
  readonly date: string;
  /** Number of the receipt that this one takes the place of. */
  readonly corrects: string | null;
  readonly supplier: ReceiptOf['supplier'];
  readonly customer: ReceiptOf['customer'];
  readonly session: {
    readonly sessionId: string;
    readonly evseId: string;
    readonly chargePointId: string;
    readonly station: ReceiptOf['station'];
    readonly timeZone: string;
    /** With the station's offset to UTC. */
    readonly startedAt: string;
    readonly stoppedAt: string;
    readonly energyKWh: string;
    readonly estimated: boolean;
  };
  readonly tariff: string;
  readonly currency: string;
  readonly lines: ReceiptLine[];
  readonly vat: ReceiptVat[];
  readonly total: { readonly exclVat: string; readonly vat: string; readonly inclVat: string };
  readonly explanation: string[];
}

/** Crockford's: no letters that look like digits. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** All 128 bits of the session's id in 26 characters: two sessions cannot have one number. */
export function receiptNumber(sessionId: string): string {
  let left = BigInt(`0x${sessionId.replaceAll('-', '')}`);
  let text = '';
  for (let place = 0; place < 26; place++) {
    text = DIGITS[Number(left & 31n)] + text;
    left >>= 5n;
  }
  return `R-${text.slice(0, 10)}-${text.slice(10, 18)}-${text.slice(18)}`;
}

export function receiptOf(of: ReceiptOf): Receipt {
  const { cost, stoppedAt, startedAt } = of;
  const zone = of.timeZone !== null && isTimeZone(of.timeZone) ? of.timeZone : 'UTC';
  const lines = cost.explanation.periods.flatMap((period) => period.lines);
  return {
    number: receiptNumber(of.sessionId),
    date: localText(stoppedAt, zone).slice(0, 10),
    corrects: null,
    supplier: of.supplier,
    customer: of.customer,
    session: {
      sessionId: of.sessionId,
      evseId: of.evseId,
      chargePointId: of.chargePointId,
      station: of.station,
      timeZone: zone,
      startedAt: localText(startedAt, zone),
      stoppedAt: localText(stoppedAt, zone),
      energyKWh: Exact.ratio(of.energyMilli, 1_000_000).round(3),
      estimated: of.estimated,
    },
    tariff: of.tariff,
    currency: cost.currency,
    lines: joined(lines),
    vat: vatOf(cost, lines),
    total: { exclVat: cost.exclVat, vat: minus(cost.inclVat, cost.exclVat, cost), inclVat: cost.inclVat },
    explanation: explain(cost),
  };
}

/**
 * They ask for the same, for the same. What a station or a customer is called since is no reason for another receipt;
 * what was charged, when, where and by which price is.
 */
export function isSameReceipt(one: Receipt, other: Receipt): boolean {
  const facts = ({ session, tariff, currency, lines, vat, total }: Receipt): string => {
    const { sessionId, evseId, startedAt, stoppedAt, energyKWh, estimated } = session;
    return JSON.stringify([
      [sessionId, evseId, startedAt, stoppedAt, energyKWh, estimated, tariff, currency],
      lines.map(({ dimension, price, vat: rate, quantity, exclVat, inclVat }) => [
        dimension,
        price,
        rate,
        quantity,
        exclVat,
        inclVat,
      ]),
      vat.map(({ rate, basis, amount }) => [rate, basis, amount]),
      [total.exclVat, total.vat, total.inclVat],
    ]);
  };
  return facts(one) === facts(other);
}

/** The receipt that takes the place of those before it: the session's number with -2, -3 ... @param before not empty */
export const correctionOf = (receipt: Receipt, before: readonly Receipt[]): Receipt => ({
  ...receipt,
  number: `${receiptNumber(receipt.session.sessionId)}-${before.length + 1}`,
  corrects: before.at(-1)?.number ?? null,
});

const minus = (one: string, other: string, { explanation }: Cost): string =>
  Exact.of(one).minus(Exact.of(other)).round(explanation.rounding.decimals);

/** One line for each price that counted, however often. */
function joined(lines: readonly ExplainedLine[]): ReceiptLine[] {
  const byPrice = new Map<string, ExplainedLine[]>();
  for (const line of lines) {
    const key = JSON.stringify([line.dimension, line.element, line.price, line.vat]);
    byPrice.set(key, [...(byPrice.get(key) ?? []), line]);
  }
  return [...byPrice.values()].map((alike) => {
    const { dimension, price, vat } = alike[0] as ExplainedLine;
    const sum = (of: (line: ExplainedLine) => Exact): string => Exact.sum(alike.map(of)).round(4);
    return {
      dimension,
      price,
      vat,
      quantity: sum(({ volume, stepAdded }) => Exact.of(volume).plus(Exact.of(stepAdded))),
      exclVat: sum(({ exclVat }) => Exact.of(exclVat)),
      inclVat: sum(({ inclVat }) => Exact.of(inclVat)),
    };
  });
}

/** With one rate what is paid; with several each one's share before limits and rounding, in 4 decimals. */
function vatOf(cost: ReceiptOf['cost'], lines: readonly ExplainedLine[]): ReceiptVat[] {
  const rates = [...new Set(lines.map(({ vat }) => vat))];
  if (rates.length <= 1)
    return [{ rate: rates[0] ?? null, basis: cost.exclVat, amount: minus(cost.inclVat, cost.exclVat, cost) }];
  return rates.map((rate) => {
    const own = lines.filter(({ vat }) => vat === rate);
    const basis = Exact.sum(own.map(({ exclVat }) => Exact.of(exclVat)));
    const gross = Exact.sum(own.map(({ inclVat }) => Exact.of(inclVat)));
    return { rate, basis: basis.round(4), amount: gross.minus(basis).round(4) };
  });
}

/** RFC 3339 with the zone's offset, whole seconds. */
function localText(at: number, zone: string): string {
  const offset = offsetAt(at, zone);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const text = new Date(at + offset).toISOString().slice(0, 19);
  return `${text}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
