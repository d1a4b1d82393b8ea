/**
 * A page of entities, in the order in which they were first created: that order is the log's, the same in every process,
 * and what is created while somebody pages comes at the end. Deleted ones keep their place, so that a cursor holds.
 */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { type Entity, isLive, type Live, mapOf, type RegistryState } from '../../domain/registry/state.js';

export interface Page<K extends EntityKind> {
  readonly entities: Live<K>[];
  /** For the next page; null on the last one. */
  readonly next: string | null;
}

/** `after`: `next` of the page before. undefined: there is no such place. */
export function pageOf<K extends EntityKind>(
  state: RegistryState,
  kind: K,
  options: {
    readonly after?: string | undefined;
    readonly limit: number;
    readonly admits: (entity: Live<K>) => boolean;
    /** Whether whoever asks may know that there is, or was, this one. */
    readonly mayBegin: (entity: Entity<K>) => boolean;
  },
): Page<K> | undefined {
  const entities = mapOf(state, kind);
  const after = options.after === undefined ? undefined : decoded(options.after);
  if (options.after !== undefined) {
    const last = after === undefined ? undefined : entities.get(after);
    if (last === undefined || !options.mayBegin(last)) return undefined;
  }
  const page: Live<K>[] = [];
  let isPast = after === undefined;
  for (const [id, entity] of entities) {
    if (!isPast) {
      isPast = id === after;
      continue;
    }
    if (!isLive(entity) || !options.admits(entity)) continue;
    if (page.length === options.limit) return { entities: page, next: encoded(page.at(-1)?.id ?? '') };
    page.push(entity);
  }
  return { entities: page, next: null };
}

const encoded = (id: string): string => Buffer.from(id).toString('base64url');
const decoded = (cursor: string): string | undefined =>
  /^[\w-]+$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString() : undefined;
