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
import { eventOf, type Proposal, type RegistryStore, refusal, wrongPerson } from './store.js';

export class Rehearsal {
  private readonly state: RegistryState;

  constructor(
    private readonly store: Pick<RegistryStore, 'replica' | 'seen' | 'people'>,
    private readonly now: () => number,
  ) {
    this.state = copyOf(store.replica.state);
  }

  /** Names of people are readable, as in what is proposed: nothing is sealed here, since that would make keys. */
  async get<K extends EntityKind>(kind: K, id: string): Promise<Live<K> | undefined> {
    const entity = lookUp(this.state, kind, id);
    return isLive(entity) ? (await this.store.seen([entity]))[0] : undefined;
  }

  /** Rejects as the store does: CONFLICT, LAST_ADMIN, REGISTRY_RULE. */
  async propose<K extends EntityKind>(proposal: Proposal<K>): Promise<Entity<K>> {
    await this.refuseWrongPerson(proposal);
    const event = eventOf(proposal, this.state, this.now());
    const verdict = evolve(this.state, event);
    if (verdict.verdict === 'void') throw refusal(event, verdict);
    return verdict.entity as unknown as Entity<K>;
  }

  /** What the rules of the log see only of sealed states: fields of people, and whose an e-mail address is. */
  private async refuseWrongPerson<K extends EntityKind>({ kind, id, state }: Proposal<K>): Promise<void> {
    if (state === null) return;
    const { people } = this.store;
    const errors = [...people.complaints(kind, id, state)];
    const { email } = state as { email?: unknown };
    if (kind === 'account' && typeof email === 'string' && errors.length === 0) {
      const holder = await people.accountByEmail(email);
      // One that was changed here has its address in the clear by now, where the rules see it.
      if (holder !== undefined && holder.id !== id && lookUp(this.state, 'account', holder.id) === holder)
        errors.push({ field: 'email', message: `account ${holder.id} has it` });
    }
    if (errors.length > 0) throw wrongPerson(kind, id, errors);
  }
}
