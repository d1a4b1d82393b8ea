/** A car at the plug. Energy in Wh, power in W, state of charge 0..1. */
export interface CarModel {
  readonly capacityWh: number;
  /** At plug-in. */
  readonly soc: number;
  /** What the car takes at most, of what the connector offers. */
  readonly maxPowerW: number;
}

/** Up to here constant current (full power), from here constant voltage: power falls with what is missing. */
const TAPER_FROM = 0.8;
/** The charger of a car gives up below this share of full power; the battery counts as full. */
const CUT_OFF = 0.03;
/** Longest step for which power is taken as constant, milliseconds. */
const STEP_MS = 30_000;

/** Charges by a CC-CV curve: constant power, then a taper, then nothing. */
export class Car {
  private storedWh: number;

  constructor(
    private readonly model: CarModel,
    private readonly offeredW: () => number,
  ) {
    this.storedWh = model.capacityWh * model.soc;
  }

  get soc(): number {
    return this.storedWh / this.model.capacityWh;
  }

  get full(): boolean {
    return this.share === 0;
  }

  get powerW(): number {
    return Math.min(this.model.maxPowerW, this.offeredW()) * this.share;
  }

  /** Of full power, what the battery takes. */
  private get share(): number {
    if (this.soc < TAPER_FROM) return 1;
    const share = (1 - this.soc) / (1 - TAPER_FROM);
    return share < CUT_OFF ? 0 : share;
  }

  /** Lets the car charge for so long; returns the energy it took, Wh. */
  charge(ms: number): number {
    const before = this.storedWh;
    for (let left = ms; left > 0 && !this.full; left -= STEP_MS) {
      const wh = (this.powerW * Math.min(left, STEP_MS)) / 3_600_000;
      this.storedWh = Math.min(this.model.capacityWh, this.storedWh + wh);
    }
    return this.storedWh - before;
  }
}
