import type { Random } from '../random.js';
import type { CarModel } from './car.js';
import type { Repetition } from './outbox.js';
import type { Profile } from './profile.js';

/** One car coming to one connector. All times in milliseconds of virtual time. */
export interface Visit {
  /** From the moment the connector became free (or the start) to the plug going in. */
  readonly afterMs: number;
  /** From the plug going in to the card at the reader. */
  readonly tapAfterMs: number;
  /** From the start of charging to the driver's return; the car may be full before. */
  readonly stayMs: number;
  /** From the end of the transaction to the plug coming out. */
  readonly unplugAfterMs: number;
  /** The driver just pulls the plug (stop reason EVDisconnected) instead of using the card. */
  readonly pullsPlug: boolean;
  readonly car: CarModel;
  /** The energy register falls to 0 this long after the start of charging. */
  readonly meterResetAfterMs?: number;
}

/** A time without a connection, in milliseconds since the start of the run. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  /** Cut right after a transaction frame was sent, so that its answer is never seen. */
  readonly midCall: boolean;
}

/** What is wrong with a charger. The default is nothing. */
export interface Faults {
  readonly outages: readonly Outage[];
  /** `epoch`: no clock, it shows 1970 at boot. `hours`: the time zone is wrong. */
  readonly clock:
    | { readonly kind: 'right' }
    | { readonly kind: 'epoch' }
    | { readonly kind: 'hours'; readonly hours: number };
  /** How often a transaction frame is repeated although it was answered. */
  readonly repetition: (random: Random) => Repetition;
  readonly stopsTwice: boolean;
  readonly valuesAfterStop: boolean;
  /** 1.6: a session begun offline never learns its transaction id and says -1 (libocpp#495, MicroOcpp#50). */
  readonly losesOfflineIds: boolean;
}

export const NO_FAULTS: Faults = {
  outages: [],
  clock: { kind: 'right' },
  repetition: () => ({ times: 0, id: 'same' }),
  stopsTwice: false,
  valuesAfterStop: false,
  losesOfflineIds: false,
};

export interface VisitContext {
  readonly random: Random;
  readonly profile: Profile;
  readonly connectorId: number;
  /** 0 for the connector's first. */
  readonly nth: number;
  /** Milliseconds since the start of the run. */
  readonly sinceStartMs: number;
  /** Virtual epoch milliseconds. */
  readonly at: number;
}

export interface FaultContext {
  readonly random: Random;
  readonly profile: Profile;
  readonly durationMs: number;
}

/** A named situation: who comes when, and what goes wrong. */
export interface Scenario {
  readonly name: string;
  /** One sentence for people. */
  readonly about: string;
  /** Default length in virtual time; `Infinity` runs until told to stop. */
  readonly durationMs: number;
  /** What was begun within the duration is over, and delivered, this much later at the latest. */
  readonly tailMs: number;
  /** Default speed. */
  readonly speed: number;
  /** MeterValueSampleInterval. */
  readonly sampleSeconds: number;
  readonly visit: (context: VisitContext) => Visit;
  readonly faults: (context: FaultContext) => Partial<Faults>;
}
