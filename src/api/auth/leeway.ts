/**
 * For how long the refresh token that somebody came with last is good beside the newer one: its answer may have been lost, a
 * page loaded again before it came, an api killed before it was sent. As long as nobody has come with the newer one, that is
 * likelier than a thief. The log says which token it was; when that was, each process says for itself: by its own clock at
 * the moment at which it read the turn, so that neither clocks that differ nor a broker that was away use the leeway up. Of
 * what was turned before this process knew the log, by the clock of who turned it.
 */
import type { Login } from '../../domain/logins/state.js';
import type { LoginReplica } from '../../registry/logins.js';

export interface LeewayOptions {
  readonly replica: Pick<LoginReplica, 'onJudged' | 'ready'>;
  /** 0: none. */
  readonly ms: number;
  readonly now: () => number;
}

export class Leeway {
  /** By login, oldest first; none older than the leeway. */
  private readonly read = new Map<string, { readonly presented: number; readonly at: number }>();

  constructor(private readonly options: LeewayOptions) {
    const { replica, ms } = options;
    if (ms === 0) return;
    replica.onJudged(({ event, verdict }) => {
      if (event.type !== 'login.turned' || verdict.verdict !== 'applied') return;
      const { login } = verdict;
      // One that comes again does not prolong it.
      if (replica.ready() === undefined && login.presented === login.version - 1) this.note(login);
    });
  }

  /** Whether who comes with the token of this turn, which is not the newest, may go on. */
  holds({ id, presented, presentedAt }: Login, turn: number): boolean {
    const { ms, now } = this.options;
    if (ms === 0 || turn !== presented) return false;
    const read = this.read.get(id);
    const since = read?.presented === presented ? read.at : presentedAt;
    // By a clock far ahead of ours it would hold for long.
    return Math.abs(now() - since) < ms;
  }

  private note({ id, presented }: Login): void {
    const { ms, now } = this.options;
    const at = now();
    this.read.delete(id);
    this.read.set(id, { presented, at });
    for (const [other, read] of this.read) {
      if (at - read.at < ms) return;
      this.read.delete(other);
    }
  }
}
