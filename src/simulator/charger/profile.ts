import type { Protocol } from '../../domain/ocpp/record.js';
import { seeded } from '../random.js';

/** What a charger is: its make, and the habits of its firmware that change what its frames look like. */
export interface Profile {
  readonly chargePointId: string;
  readonly index: number;
  readonly protocol: Protocol;
  readonly vendor: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  readonly connectors: number;
  readonly current: 'AC' | 'DC';
  /** Per connector, W. */
  readonly maxPowerW: number;
  readonly phases: 1 | 3;
  /** Registers in kWh and power in kW instead of Wh and W. */
  readonly kilo: boolean;
  /** Leaves out what the specification lets one leave out (measurand, unit, context, location defaults). */
  readonly terse: boolean;
  /** Readings a StopTransaction or an Ended repeats: none, first and last, or all (seen in the field). */
  readonly stopData: 'none' | 'ends' | 'all';
  /** 1.6: MeterValues with context Transaction.Begin right after StartTransaction. */
  readonly beginValues: boolean;
  /** 2.x: TxStartPoint. `plug` begins the transaction before anybody is known; the token comes in an Updated. */
  readonly startsOn: 'plug' | 'authorized';
  /** Empty texts in BootNotification where a value is unknown (seen in the field). */
  readonly emptyTexts: boolean;
}

const MAKES = [
  { vendor: 'Aldergate', model: 'Kerb 11', current: 'AC', maxPowerW: 11_000, phases: 3, connectors: 1 },
  { vendor: 'Aldergate', model: 'Kerb Duo 22', current: 'AC', maxPowerW: 22_000, phases: 3, connectors: 2 },
  { vendor: 'Brightwater', model: 'Wall 7', current: 'AC', maxPowerW: 7_400, phases: 1, connectors: 1 },
  { vendor: 'Corvid', model: 'HPC-60', current: 'DC', maxPowerW: 60_000, phases: 3, connectors: 2 },
  { vendor: 'Corvid', model: 'HPC-150', current: 'DC', maxPowerW: 150_000, phases: 3, connectors: 2 },
] as const;

/** The charger number `index` of a fleet; the same for the same seed, whatever the size of the fleet. */
export function profileOf(seed: number, chargePointId: string, index: number, protocol: Protocol): Profile {
  const random = seeded(seed, chargePointId, 'profile');
  const make = random.pick(MAKES);
  return {
    ...make,
    chargePointId,
    index,
    protocol,
    serial: `${make.vendor.slice(0, 2).toUpperCase()}${String(random.whole(0, 999_999)).padStart(6, '0')}`,
    firmware: `${random.whole(1, 4)}.${random.whole(0, 20)}.${random.whole(0, 9)}`,
    kilo: random.chance(0.25),
    terse: random.chance(0.2),
    stopData: random.pick(['none', 'ends', 'all'] as const),
    beginValues: random.chance(0.5),
    startsOn: random.chance(0.4) ? 'plug' : 'authorized',
    emptyTexts: random.chance(0.2),
  };
}
