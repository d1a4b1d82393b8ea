/**
 * Many at once: each item is created, or changed where it is there and differs. One that is wrong does not stop the
 * others; what became of each is said. Repeating an import changes nothing more.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';
import { factsOf } from '../problem.js';
import { stateFrom } from './entity-body.js';
import type { FieldError, Resource } from './resources.js';

export interface ImportResult {
  readonly index: number;
  readonly id: string | null;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'failed';
  readonly version?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
}

/** Proposals under way at once: enough to fill the log's latency. */
const SIDE_BY_SIDE = 100;

export async function importAll<K extends EntityKind>(
  store: RegistryStore,
  resource: Resource<K>,
  items: readonly unknown[],
  actor: string,
): Promise<ImportResult[]> {
  const results = new Array<ImportResult>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = { index, ...(await importOne(store, resource, items[index], actor)) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, items.length) }, work));
  return results;
}

async function importOne<K extends EntityKind>(
  store: RegistryStore,
  resource: Resource<K>,
  item: unknown,
  actor: string,
): Promise<Omit<ImportResult, 'index'>> {
  const { kind } = resource;
  const named = (item as Record<string, unknown> | null)?.[kind === 'token' ? 'uid' : 'id'];
  const id = typeof named === 'string' ? resource.idOf(named) : undefined;
  try {
    if (id === undefined)
      throw new WattstreamError(
        'REQUEST_INVALID',
        'What is imported says its id, so that it can be repeated.',
      );
    const current = await store.get(kind, id);
    const state = await stateFrom(resource, item, { current: current?.state });
    if (current !== undefined && isDeepStrictEqual(current.state, state))
      return { id, outcome: 'unchanged', version: current.version };
    const change = current === undefined ? 'created' : 'updated';
    const { version } = await store.propose({
      kind,
      id: KINDS[kind].idOf(state as never),
      change,
      state,
      ...(current === undefined ? {} : { version: current.version }),
      actor,
    });
    return { id, outcome: change, version };
  } catch (error) {
    const { code, detail, errors } = factsOf(error);
    return { id: id ?? null, outcome: 'failed', code, detail, ...(errors === undefined ? {} : { errors }) };
  }
}
