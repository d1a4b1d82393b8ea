/** Which measurands there are, and the unit of those whose unit is not in doubt. */
import { MeterValuesRequest as MeterValues16 } from 'typed-ocpp/dist/ocpp16/schemas.js';
import { MeterValuesRequest as MeterValues21 } from 'typed-ocpp/dist/ocpp21/schemas.js';

export interface Measurand {
  readonly known: boolean;
  /** What an absent unit means. */
  readonly unit: string;
  /** Energy and power that money and peaks depend on: a value in another base unit counts for nothing. */
  readonly strict: boolean;
}

export const DEFAULT_MEASURAND = 'Energy.Active.Import.Register';

const names16: string[] =
  MeterValues16.properties.meterValue.items.properties.sampledValue.items.properties.measurand.enum;
const names21: string[] = MeterValues21.definitions.MeasurandEnumType.enum;
const names = new Set([...names16, ...names21]);

/** First match wins. */
const UNITS: readonly (readonly [prefix: string, unit: string, strict: boolean])[] = [
  ['Energy.Active.', 'Wh', true],
  ['Energy.Reactive.', 'varh', false],
  ['Energy.Apparent.', 'VAh', false],
  ['Energy', 'Wh', false],
  ['Power.Active.', 'W', true],
  ['Power.Offered', 'W', true],
  ['Power.Reactive.', 'var', false],
  ['Power.Apparent.', 'VA', false],
  ['Current.', 'A', false],
  ['Voltage', 'V', false],
  ['SoC', 'Percent', true],
  ['Temperature', 'Celsius', false],
  ['Frequency', 'Hertz', false],
];

const seen = new Map<string, Measurand>();
for (const name of names) seen.set(name, describe(name));

/** Names that OCPP does not have are described by their beginning. */
export const measurandOf = (name: string): Measurand => seen.get(name) ?? describe(name);

function describe(name: string): Measurand {
  const [, unit, strict] = UNITS.find(([prefix]) => name.startsWith(prefix)) ?? ['', '', false];
  return { known: names.has(name), unit, strict };
}
