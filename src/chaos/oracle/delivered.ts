/**
 * What a charger delivered, as the oracle sees it: its CALLs as plain JSON, and what was answered. Nothing here
 * comes from the code under test; of the log only two things are taken that no charger can know: when a frame
 * was received, and whether one that was never answered arrived all the same.
 */
export type Json = Readonly<Record<string, unknown>>;

export interface DeliveredCall {
  readonly chargePointId: string;
  readonly protocol: string;
  readonly action: string;
  readonly payload: Json;
  /** Payload of the CALLRESULT. */
  readonly answer: Json | undefined;
  /** Epoch milliseconds. Undefined when the frame should be in the log and is not. */
  readonly receivedAt: number | undefined;
}

export const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};
export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);
export const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

/** Epoch milliseconds; these chargers write RFC 3339 in UTC. */
export const time = (value: unknown): number | undefined =>
  typeof value === 'string' ? Date.parse(value) : undefined;

/** One figure of a meter. Energy in mWh, power in mW, state of charge in thousandths of a percent. */
export interface Reading {
  readonly at: number;
  readonly milli: number;
  readonly context: string;
}

export interface Readings {
  readonly register: Reading[];
  readonly power: Reading[];
  readonly soc: Reading[];
}

export const noReadings = (): Readings => ({ register: [], power: [], soc: [] });

const KINDS: Readonly<Record<string, keyof Readings>> = {
  'Energy.Active.Import.Register': 'register',
  'Power.Active.Import': 'power',
  SoC: 'soc',
};
/** OCPP 1.6, 7.45 UnitOfMeasure; 2.0.1, appendix "Standardized Units of Measure". */
const THOUSANDS: Readonly<Record<string, number>> = { kWh: 3, kW: 3 };

/** Adds the totals (no phases) of a `meterValue` or `transactionData`. Defaults are those of OCPP 1.6, 7.43. */
export function addReadings(readings: Readings, meterValues: unknown): void {
  for (const meterValue of list(meterValues)) {
    const at = time(meterValue.timestamp);
    if (at === undefined) continue;
    for (const sampled of list(meterValue.sampledValue)) {
      const kind = KINDS[text(sampled.measurand) || 'Energy.Active.Import.Register'];
      if (kind === undefined || sampled.phase !== undefined) continue;
      const unit = object(sampled.unitOfMeasure);
      const ten = (THOUSANDS[text(sampled.unit ?? unit.unit)] ?? 0) + Number(unit.multiplier ?? 0);
      const milli = Math.round(Number(sampled.value) * 10 ** (3 + ten));
      readings[kind].push({ at, milli, context: text(sampled.context) || 'Sample.Periodic' });
    }
  }
}

/** In time order, each figure once. */
export function inOrder(readings: readonly Reading[]): Reading[] {
  const once = new Map(
    readings.map((reading) => [`${reading.at} ${reading.context} ${reading.milli}`, reading]),
  );
  return [...once.values()].sort((a, b) => a.at - b.at || a.milli - b.milli);
}
