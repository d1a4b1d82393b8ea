/** What the live view needs of the rest. */
export type { NotificationFeed, NotificationListener } from '../../queues/ports.js';

/** Where charge points stand, as far as the registry knows. */
export interface Whereabouts {
  /** undefined: not registered, or at no station. */
  stationOf(chargePointId: string): string | undefined;
}
