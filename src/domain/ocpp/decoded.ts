/** Small builders of `Decoded`. */
import type { ChargingEvent, Decoded } from '../charging/events.js';
import type { Reading } from './reading.js';

export const decoded = (event: ChargingEvent, reading: Reading): Decoded => ({
  event,
  oddities: reading.oddities,
});

/** Something is missing that the meaning depends on: the frame is kept, and means nothing. */
export function meaningless(action: string, missing: string, reading: Reading): Decoded {
  reading.missing(missing);
  return { event: { kind: 'other', action }, oddities: reading.oddities };
}
