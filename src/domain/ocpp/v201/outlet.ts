/** The EVSEType of 2.x: `connectorId` is optional, and an absent one stays absent (rules, "Sessions"). */
import type { Outlet } from '../../charging/events.js';
import type { Payload } from '../payload.js';
import type { Reading } from '../reading.js';

/** undefined when it names no EVSE. */
export function outletOf(evse: Payload, evseKey: string, reading: Reading): Outlet | undefined {
  const evseId = reading.integer(evse, evseKey);
  const connectorId = reading.integer(evse, 'connectorId');
  if (!(evseId >= 0)) return undefined;
  return connectorId >= 0 ? { evseId, connectorId } : { evseId };
}
