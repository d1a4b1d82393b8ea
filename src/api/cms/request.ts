/** What every route of the CMS asks first: whether anything can be said, and who asks. */
import type { FastifyRequest } from 'fastify';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';

/** Throws REGISTRY_NOT_READY. */
export function ready(store: RegistryStore): void {
  const reason = store.replica.ready();
  if (reason !== undefined)
    throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be said yet: ${reason}`, { canRetry: true });
}

export const actorOf = (request: FastifyRequest): string => request.principal.id;
