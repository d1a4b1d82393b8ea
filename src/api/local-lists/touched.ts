/**
 * The tokens by when they were touched, made anew only when something came that lists are made of: with tens of thousands of
 * tokens that is a noticeable pause of the process, and each start of a customer writes a token that is on no list.
 */
import { TouchedTokens } from '../../domain/registry/local-list.js';
import { type Entity, isOneTimeOnly, type RegistryState } from '../../domain/registry/state.js';
import type { Judged, Replica } from '../../registry/replica.js';

export class TouchedNow {
  private known: { readonly state: RegistryState; readonly tokens: TouchedTokens } | undefined;
  private readonly deaf: () => void;

  constructor(private readonly replica: Pick<Replica, 'state' | 'onJudged'>) {
    this.deaf = replica.onJudged((judged) => {
      if (isOfLists(judged)) this.known = undefined;
    });
  }

  /** The same one for all chargers that are looked at between two changes. */
  get(): TouchedTokens {
    const { state } = this.replica;
    // One that began anew has another state.
    if (this.known?.state !== state) this.known = { state, tokens: new TouchedTokens(state) };
    return this.known.tokens;
  }

  close(): void {
    this.deaf();
  }
}

function isOfLists({ verdict }: Judged): boolean {
  if (verdict.verdict !== 'applied') return false;
  const { entity } = verdict;
  if (entity.kind === 'token') return !isOneTimeOnly(entity as Entity as Entity<'token'>);
  return entity.kind === 'account';
}
