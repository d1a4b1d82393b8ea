/** All entities of a kind, as they can be imported: piece by piece, however many there are. */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { isLive, type Live, mapOf } from '../../domain/registry/state.js';
import type { RegistryStore } from '../../registry/store.js';
import type { Separator } from '../csv.js';
import type { CsvResource } from './csv/columns.js';
import { exportHead, exportLines } from './csv/lines.js';
import { shown } from './entity-body.js';

const AT_ONCE = 500;

/** Names of people come out readable. */
type Seen = Pick<RegistryStore, 'seen'>;

/** Entities are replaced, never changed: the list holds this moment however long it takes to send. */
export const liveOf = <K extends EntityKind>(
  { replica }: Pick<RegistryStore, 'replica'>,
  kind: K,
  admits: (entity: Live<K>) => boolean = () => true,
): Live<K>[] =>
  [...mapOf(replica.state, kind).values()].filter((each): each is Live<K> => isLive(each) && admits(each));

export async function* exportJson(store: Seen, entities: readonly Live[]): AsyncGenerator<string> {
  let separator = '\n';
  yield '[';
  for await (const some of inPieces(store, entities)) {
    yield separator + some.map((entity) => JSON.stringify(shown(entity))).join(',\n');
    separator = ',\n';
  }
  yield '\n]\n';
}

export async function* exportCsv<K extends EntityKind>(
  store: Seen,
  resource: CsvResource,
  entities: readonly Live<K>[],
  separator: Separator,
): AsyncGenerator<string> {
  yield exportHead(resource, separator);
  for await (const some of inPieces(store, entities)) yield exportLines(resource, some, separator);
}

async function* inPieces<K extends EntityKind>(
  store: Seen,
  entities: readonly Live<K>[],
): AsyncGenerator<Live<K>[]> {
  for (let at = 0; at < entities.length; at += AT_ONCE)
    yield await store.seen(entities.slice(at, at + AT_ONCE));
}
