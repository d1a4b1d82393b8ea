/**
 * OCPP 1.6 leaves the naming of transactions to us, and re-sends a StartTransaction whose answer got lost.
 * So the id is computed from what the charger says and from nothing else: any gateway, at any time, answers
 * the same start with the same id, without asking anyone.
 */
import { createHash } from 'node:crypto';
import { plausible } from './time.js';

export interface StartIdentity {
  readonly chargePointId: string;
  readonly connectorId: number;
  readonly idTag: string;
  /** Epoch milliseconds as sent; NaN when unreadable. */
  readonly startAt: number;
  readonly meterStart: number;
  readonly messageId: string;
  readonly receivedAt: number;
}

/**
 * From 1 to 2^31 - 1. The idTag counts without regard to case (CiString20Type). A charger without a clock says
 * the same start again and again: then the message id, which its re-sends keep, tells its starts apart.
 */
export function transactionId16(start: StartIdentity): number {
  const identity: unknown[] = [
    start.chargePointId,
    start.connectorId,
    start.idTag.toUpperCase(),
    start.startAt,
    start.meterStart,
  ];
  if (!plausible(start.startAt, start.receivedAt)) identity.push(start.messageId);
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest().readUInt32BE(0) & 0x7fffffff;
  // 0 is what chargers say for "no transaction".
  return hash === 0 ? 1 : hash;
}
