/** What would become of changes, one after the other, on a copy of what is known now: nothing is written, nobody is told. */
import type { EntityKind } from '../domain/messages/cms-events.js';
import { evolve } from '../domain/registry/evolve.js';
import {
  copyOf,
  type Entity,
  isLive,
  type Live,
  lookUp,
  type RegistryState,
} from '../domain/registry/state.js';
import { eventOf, type Proposal, refusal } from './store.js';

export class Rehearsal {
  private readonly state: RegistryState;

  constructor(
    known: RegistryState,
    private readonly now: () => number,
  ) {
    this.state = copyOf(known);
  }

  get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
    const entity = lookUp(this.state, kind, id);
    return isLive(entity) ? entity : undefined;
  }

  /** Rejects as the store does: CONFLICT, REGISTRY_RULE. */
  async propose<K extends EntityKind>(proposal: Proposal<K>): Promise<Entity<K>> {
    const event = eventOf(proposal, this.state, this.now());
    const verdict = evolve(this.state, event);
    if (verdict.verdict === 'void') throw refusal(event, verdict);
    return verdict.entity as unknown as Entity<K>;
  }
}
