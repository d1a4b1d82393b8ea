/**
 * Which session it is (rules, "Sessions"): UUIDv5 of charge point and transaction; in OCPP 1.6, whose ids are ours and
 * may repeat, of connector and start as sent too. Gateways and readers of the log compute the same.
 */
import { v5 as uuidv5 } from 'uuid';

/** Namespace of our UUIDv5 identities: fixed for ever, else every identity would change. */
const NAMESPACE = '3f9ad5b4-5c1e-5e0a-9a44-6d1f0b5b7c21';
export const identity = (...names: (string | number)[]): string => uuidv5(names.join('|'), NAMESPACE);

/** `startAt`: as the charger said, epoch milliseconds. */
export const sessionId16 = (
  chargePointId: string,
  transactionId: string,
  connectorId: number,
  startAt: number,
): string => identity(chargePointId, transactionId, connectorId, startAt);

export const sessionId2 = (chargePointId: string, transactionId: string): string =>
  identity(chargePointId, transactionId);
