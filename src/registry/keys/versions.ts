/** The versions of an entity as people may see them: personal data in the clear, and the fields named that differ. */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS, type Kind, type StateOf } from '../../domain/registry/kinds.js';
import type { Past } from '../../domain/registry/state.js';
import type { PersonalData } from './personal-data.js';

/** @param all oldest first, and so are they returned. Rejects while key books cannot be read. */
export async function versionsSeen<K extends EntityKind>(
  people: PersonalData,
  kind: K,
  all: readonly Past<K>[],
): Promise<Past<K>[]> {
  const { personal } = KINDS[kind] as Kind<K>;
  if (personal === undefined) return [...all];
  await people.prepared(
    kind,
    all.map(({ state }) => state),
  );
  const opened = all.map((one) => (one.state ? { ...one, state: people.open(kind, one.state) } : one));
  return opened.map((one, index) => ({
    ...one,
    changed: namedFields(one.changed, personal, opened[index - 1]?.state, one.state),
  }));
}

/** What is sealed changes as one field: what it was inside is found out by comparing, where both can be read. */
function namedFields(
  changed: readonly string[],
  personal: readonly string[],
  before: StateOf[EntityKind] | null | undefined,
  after: StateOf[EntityKind] | null | undefined,
): string[] {
  if (!changed.includes('sealed')) return [...changed];
  const [old, now] = [before, after] as (Record<string, unknown> | null | undefined)[];
  const differing = old && now ? personal.filter((field) => old[field] !== now[field]) : personal;
  // Sealed for the first time: nothing was changed but how it is kept.
  const others = changed.filter((field) => field !== 'sealed' && !personal.includes(field));
  return [...others, ...differing].sort();
}
