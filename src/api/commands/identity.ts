/** Which command a request is: the same key of the same actor means the same command, in whichever process it arrives. */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import { redactedPayload } from '../../domain/ocpp/redact.js';

/** Fixed for ever: commands are found again by it. */
const NAMESPACE = '9d2f6c0e-6f0b-5a3e-8f55-0f6a0c7f1a44';

export const commandIdOf = (actor: string, idempotencyKey: string | undefined): string =>
  idempotencyKey === undefined ? randomUUID() : uuidv5(JSON.stringify([actor, idempotencyKey]), NAMESPACE);

/** A customer's request, which is also its command's id. No actor is three words: it is no other's command. */
export const requestIdOf = (accountId: string, idempotencyKey: string | undefined): string =>
  idempotencyKey === undefined
    ? randomUUID()
    : uuidv5(JSON.stringify(['customer', accountId, idempotencyKey]), NAMESPACE);

/**
 * What was asked for, in few characters. It stands in the log for all to read, and what was asked for may hold a
 * password: so it is keyed with the Idempotency-Key, which the log does not have, and without a key secrets are left out.
 */
export function digestOf(asked: object, idempotencyKey: string | undefined): string {
  return idempotencyKey === undefined
    ? createHash('sha256')
        .update(canonical(redactedPayload(asked)))
        .digest('hex')
    : createHmac('sha256', idempotencyKey).update(canonical(asked)).digest('hex');
}

/** JSON with its properties in order: the same request is the same text, however it was written. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const properties = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`);
  return `{${properties.join(',')}}`;
}
