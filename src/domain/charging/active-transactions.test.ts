/** Rules, "Sessions": ConcurrentTx. Who would be locked out, or charge twice, if one of these failed. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ActiveTransactions, type Announced, type TransactionStart } from './active-transactions.js';
import { sessionId2 } from './session-id.js';
import { tokenHash } from './token-hash.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TEN = Date.UTC(2026, 10, 26, 10);
const known = (limit = 1_000): ActiveTransactions => {
  const transactions = new ActiveTransactions({ forgetMs: 12 * HOUR, limit });
  transactions.level = true;
  return transactions;
};

interface Start {
  cp?: string;
  tx?: string;
  evse?: number | undefined;
  token?: string;
  at?: number;
  /** Default: at once. */
  received?: number;
  /** Default: if it comes more than a minute late. */
  kept?: boolean;
  asking?: number;
}

const start = ({ cp = 'A', tx = 't1', token = 'TAG', at = TEN, ...more }: Start): TransactionStart => ({
  sessionId: sessionId2(cp, tx),
  chargePointId: cp,
  transactionId: tx,
  evseId: 'evse' in more ? more.evse : 1,
  tokenHash: tokenHash(token),
  at,
  receivedAt: more.received ?? at,
  keptOffline: more.kept ?? (more.received ?? at) - at > MINUTE,
  asking: more.asking ?? 0,
});

/** As a gateway does: judges, and keeps what it said. */
function ask(transactions: ActiveTransactions, asked: Start): 'Accepted' | 'ConcurrentTx' {
  const one = start(asked);
  const isRefused = transactions.isElsewhere(one);
  transactions.note({ is: 'begun', start: one, accepted: !isRefused });
  return isRefused ? 'ConcurrentTx' : 'Accepted';
}

const stop = (transactions: ActiveTransactions, cp: string, tx: string, at: number, receivedAt = at): void =>
  transactions.note({ is: 'ended', chargePointId: cp, transactionId: tx, at, receivedAt });

let version = 0;
const iso = (at: number): string => new Date(at).toISOString();
const announced = (
  { cp = 'A', tx = 't1', token = 'TAG', at = TEN, ...more }: Start,
  view: Partial<Announced['view']> = {},
  heardAt = at,
): Announced => ({
  view: {
    sessionId: sessionId2(cp, tx),
    chargePointId: cp,
    evseId: 'evse' in more ? (more.evse ?? null) : 1,
    transactionId: tx,
    status: 'active',
    authStatus: 'Accepted',
    startedAt: iso(at),
    stoppedAt: null,
    lastSeenAt: iso(heardAt),
    idTokenHash: tokenHash(token),
    ...view,
  },
  version: ++version,
  at: heardAt,
});
const ended = (at: number): Partial<Announced['view']> => ({ status: 'completed', stoppedAt: iso(at) });

describe('ConcurrentTx', () => {
  test('a token that charges elsewhere is refused, by what this gateway answered and by what others announced', () => {
    const own = known();
    expect(ask(own, {})).toBe('Accepted');
    expect(ask(own, { cp: 'B', at: TEN + 500 })).toBe('ConcurrentTx');
    const other = known();
    other.heard(announced({}));
    expect(ask(other, { cp: 'B', at: TEN + MINUTE })).toBe('ConcurrentTx');
    expect(ask(other, { cp: 'B', at: TEN + MINUTE, token: 'ANOTHER', tx: 't2' })).toBe('Accepted');
  });

  test('two starts within the same second: one is refused, although the second says an earlier time', () => {
    const transactions = known();
    expect(ask(transactions, { at: TEN + 800 })).toBe('Accepted');
    expect(ask(transactions, { cp: 'B', at: TEN, received: TEN + 900 })).toBe('ConcurrentTx');
  });

  test('it never counts the transaction itself: a repeated start gets the answer it got', () => {
    const transactions = known();
    ask(transactions, {});
    ask(transactions, { cp: 'B', at: TEN + 500 });
    for (const received of [TEN + MINUTE, TEN + 3 * HOUR]) {
      expect(ask(transactions, { received })).toBe('Accepted');
      expect(ask(transactions, { cp: 'B', at: TEN + 500, received })).toBe('ConcurrentTx');
    }
    stop(transactions, 'A', 't1', TEN + 4 * HOUR);
    expect(ask(transactions, { cp: 'B', at: TEN + 500, received: TEN + 5 * HOUR })).toBe('ConcurrentTx');
    // Nor when it is heard afterwards that the token had begun elsewhere before: that answer has been given.
    const unaware = known();
    expect(ask(unaware, { cp: 'B', at: TEN + 500 })).toBe('Accepted');
    unaware.heard(announced({}));
    expect(ask(unaware, { cp: 'B', at: TEN + 500, received: TEN + MINUTE })).toBe('Accepted');
    // Nor at a gateway that knows it only from announcements.
    const other = known();
    other.heard(announced({}));
    other.heard(announced({ cp: 'B', at: TEN + 500 }, { authStatus: 'ConcurrentTx' }));
    expect(ask(other, { received: TEN + MINUTE })).toBe('Accepted');
    expect(ask(other, { cp: 'B', at: TEN + 500, received: TEN + MINUTE })).toBe('ConcurrentTx');
  });

  test('a refused start keeps its token from nothing', () => {
    const transactions = known();
    ask(transactions, {});
    ask(transactions, { cp: 'B', at: TEN + 500 });
    stop(transactions, 'A', 't1', TEN + MINUTE);
    expect(ask(transactions, { cp: 'C', at: TEN + 2 * MINUTE })).toBe('Accepted');
  });

  test('a card that was refused may be shown again in the same transaction (2.x)', () => {
    const transactions = known();
    ask(transactions, {});
    expect(ask(transactions, { cp: 'B', at: TEN + MINUTE, asking: 3 })).toBe('ConcurrentTx');
    stop(transactions, 'A', 't1', TEN + 2 * MINUTE);
    expect(ask(transactions, { cp: 'B', at: TEN + MINUTE, asking: 3 })).toBe('ConcurrentTx');
    expect(ask(transactions, { cp: 'B', at: TEN + 3 * MINUTE, asking: 4 })).toBe('Accepted');
    // Tables, and so announcements, have the first answer.
    transactions.heard(announced({ cp: 'B', at: TEN + MINUTE }, { authStatus: 'ConcurrentTx' }));
    expect(ask(transactions, { cp: 'C', at: TEN + 4 * MINUTE })).toBe('ConcurrentTx');
  });

  test('nor one on the same EVSE of the same charger, which this start leaves abandoned', () => {
    const transactions = known();
    ask(transactions, {});
    expect(ask(transactions, { tx: 't2', at: TEN + HOUR })).toBe('Accepted');
    expect(ask(transactions, { tx: 't3', evse: 2, at: TEN + 2 * HOUR })).toBe('ConcurrentTx');
    // The one that was left behind keeps the token from nothing.
    stop(transactions, 'A', 't2', TEN + 3 * HOUR);
    expect(ask(transactions, { cp: 'B', at: TEN + 4 * HOUR })).toBe('Accepted');
  });

  test('nor one at the same charger where the EVSE is not said: it may be the same', () => {
    const transactions = known();
    ask(transactions, { evse: undefined });
    expect(ask(transactions, { tx: 't2', evse: 2, at: TEN + MINUTE })).toBe('Accepted');
    expect(ask(transactions, { cp: 'B', evse: undefined, at: TEN + 2 * MINUTE })).toBe('ConcurrentTx');
  });

  test('an offline start delivered late is judged as of its own time', () => {
    const late = { received: TEN + 4 * HOUR + 7 * MINUTE };
    // Something that had begun only after it.
    const after = known();
    after.heard(announced({ at: TEN + HOUR }));
    expect(ask(after, { cp: 'B', ...late })).toBe('Accepted');
    // Something that was stopped before it.
    const before = known();
    before.heard(announced({ at: TEN - HOUR }, ended(TEN - MINUTE), TEN - MINUTE));
    expect(ask(before, { cp: 'B', ...late })).toBe('Accepted');
    // Something that went on at the time, and has ended since.
    const during = known();
    during.heard(announced({ at: TEN - HOUR }, ended(TEN + HOUR), TEN + HOUR));
    expect(ask(during, { cp: 'B', ...late })).toBe('ConcurrentTx');
  });

  test('whoever has ended before he came is not refused, whatever the clocks say', () => {
    const ahead = known();
    ask(ahead, { at: TEN + 2 * HOUR, received: TEN });
    stop(ahead, 'A', 't1', TEN + 3 * HOUR, TEN + HOUR);
    expect(ask(ahead, { cp: 'B', at: TEN + HOUR + MINUTE })).toBe('Accepted');
    // This charger may have another time zone: its starts only look late.
    const behind = known();
    ask(behind, { at: TEN - 3 * HOUR });
    stop(behind, 'A', 't1', TEN + HOUR);
    const received = TEN + HOUR + MINUTE;
    expect(ask(behind, { cp: 'B', at: received - 2 * HOUR + 400, received, kept: false })).toBe('Accepted');
    // It was kept offline, and the clocks differ by three minutes.
    const little = known();
    ask(little, { at: TEN });
    stop(little, 'A', 't1', TEN + HOUR);
    expect(ask(little, { cp: 'C', at: received - 3 * MINUTE, received })).toBe('Accepted');
    // Who runs ahead has begun all the same.
    const begun = known();
    ask(begun, { at: TEN + 2 * HOUR, received: TEN });
    expect(ask(begun, { cp: 'B', at: TEN + MINUTE })).toBe('ConcurrentTx');
  });

  test('what ends frees its token at once: stopped, abandoned, vanished, at any gateway', () => {
    for (const end of [
      (t: ActiveTransactions) => stop(t, 'A', 't1', TEN + MINUTE),
      (t: ActiveTransactions) => t.heard(announced({}, ended(TEN + MINUTE), TEN + MINUTE)),
      (t: ActiveTransactions) => t.heard(announced({}, { status: 'abandoned' }, TEN + MINUTE)),
      (t: ActiveTransactions) => t.heard(announced({}, { status: 'orphan' }, TEN + MINUTE)),
      (t: ActiveTransactions) => t.vanished(sessionId2('A', 't1')),
    ]) {
      const transactions = known();
      transactions.heard(announced({}));
      end(transactions);
      expect(ask(transactions, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('Accepted');
    }
  });

  test('an announcement that was on its way when the end was said here does not open it again', () => {
    const transactions = known();
    ask(transactions, {});
    stop(transactions, 'A', 't1', TEN + MINUTE);
    transactions.heard(announced({}, {}, TEN + 30_000));
    expect(ask(transactions, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('Accepted');
  });

  test('an abandoned session that a later frame reopens counts again; older announcements change nothing', () => {
    const transactions = known();
    const first = announced({});
    const abandoned = announced({}, { status: 'abandoned' }, TEN + MINUTE);
    const reopened = announced({}, {}, TEN + 2 * MINUTE);
    for (const one of [first, abandoned]) transactions.heard(one);
    expect(transactions.goesOn(first.view.sessionId, TEN + 2 * MINUTE)).toBe(false);
    for (const one of [reopened, first, abandoned]) transactions.heard(one);
    expect(ask(transactions, { cp: 'B', at: TEN + HOUR })).toBe('ConcurrentTx');
  });

  test('a second start that the log takes for the first one ends with it', () => {
    const transactions = known();
    ask(transactions, { tx: 'first' });
    ask(transactions, { tx: 'alias', at: TEN + MINUTE });
    transactions.heard(announced({ tx: 'first' }, ended(TEN + HOUR), TEN + HOUR));
    expect(ask(transactions, { cp: 'B', at: TEN + 2 * HOUR })).toBe('Accepted');
  });

  describe('whose charger went offline may charge elsewhere', () => {
    const back = TEN + 2 * HOUR;
    /** As announced of a transaction after the return, with the charger's own time of it. */
    const goesOn = (at: number, lastSeenAt: number) => announced({}, { lastSeenAt: iso(lastSeenAt) }, at);

    test('at this gateway, which saw its connection end, and at others, which hear of it', () => {
      const own = known();
      ask(own, {});
      own.left('A', TEN + MINUTE);
      expect(ask(own, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('Accepted');
      const other = known();
      other.heard(announced({}));
      other.heardLeft('A', TEN + MINUTE);
      expect(ask(other, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('Accepted');
    });

    test('until it is back and goes on: what it had kept meanwhile says nothing of now', () => {
      const transactions = known();
      transactions.heard(announced({}));
      transactions.heardLeft('A', TEN + MINUTE);
      transactions.heardLeft('A', back);
      const elsewhere = (tx: string, at: number) => {
        const answer = ask(transactions, { cp: 'B', tx, at });
        stop(transactions, 'B', tx, at + 1);
        return answer;
      };
      expect(elsewhere('b1', back + 1_000)).toBe('Accepted');
      // The readings it kept come first; they do not tell that the stop comes after them.
      expect(transactions.goesOn(sessionId2('A', 't1'), back + 2_000)).toBe(false);
      transactions.heard(goesOn(back + 2_000, TEN + HOUR));
      expect(elsewhere('b2', back + 3_000)).toBe('Accepted');
      // Its clock is two seconds slow.
      transactions.heard(goesOn(back + 4_000, back - 2_000));
      expect(elsewhere('b3', back + 5_000)).toBe('ConcurrentTx');
      expect(transactions.goesOn(sessionId2('A', 't1'), back + MINUTE)).toBe(true);
      // It goes once more, which is heard again and late.
      transactions.heardLeft('A', TEN + MINUTE);
      transactions.heardLeft('A', back + 2 * MINUTE);
      expect(elsewhere('b4', back + 3 * MINUTE)).toBe('Accepted');
    });

    test('what begins after its return counts at once, though its absence is heard of only then', () => {
      const transactions = known();
      ask(transactions, { tx: 't2', at: back });
      transactions.heardLeft('A', back - 2_000);
      transactions.heardLeft('A', back - 1_000);
      expect(ask(transactions, { cp: 'B', at: back + 1_000 })).toBe('ConcurrentTx');
    });

    test('a start that is said again after a reconnect counts, and gets the answer it got', () => {
      const transactions = known();
      ask(transactions, {});
      transactions.left('A', TEN + 1_000);
      expect(ask(transactions, { received: TEN + 2_000 })).toBe('Accepted');
      expect(ask(transactions, { cp: 'B', at: TEN + 3_000 })).toBe('ConcurrentTx');
    });

    test('what was answered here does not count for itself once its charger has gone to another gateway', () => {
      const transactions = known();
      ask(transactions, {});
      transactions.left('A', TEN + 1_000);
      transactions.heard(goesOn(TEN + MINUTE, TEN + MINUTE));
      expect(ask(transactions, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('ConcurrentTx');
      // Announcements do not come any more: it may have ended over there.
      transactions.level = false;
      expect(ask(transactions, { cp: 'C', at: TEN + 3 * MINUTE })).toBe('Accepted');
    });

    test('a connection that was dead here says nothing of what its charger began elsewhere', () => {
      const transactions = known();
      transactions.heard(announced({}));
      transactions.left('A', TEN + MINUTE);
      expect(ask(transactions, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('ConcurrentTx');
    });

    test('a stream that is another one does not make it count by what the old one said', () => {
      const transactions = known();
      ask(transactions, {});
      transactions.left('A', TEN + 1_000);
      transactions.heard(goesOn(TEN + MINUTE, TEN + MINUTE));
      transactions.forgetHeard();
      transactions.level = true;
      expect(ask(transactions, { cp: 'B', at: TEN + 2 * MINUTE })).toBe('Accepted');
    });
  });

  test('a charger that vanished does not lock its customer out for ever', () => {
    const transactions = known();
    transactions.heard(announced({}));
    expect(transactions.goesOn(sessionId2('A', 't1'), TEN + 5 * HOUR)).toBe(true);
    expect(ask(transactions, { cp: 'B', at: TEN + 16 * HOUR })).toBe('ConcurrentTx');
    transactions.heard(announced({ cp: 'B', at: TEN + 16 * HOUR }, { authStatus: 'ConcurrentTx' }));
    expect(ask(transactions, { cp: 'C', at: TEN + 18 * HOUR })).toBe('Accepted');
    transactions.forget(TEN + 18 * HOUR);
    expect(transactions.size).toBe(2);
  });

  test('until announcements have been read, and while none come though some must, only own answers count', () => {
    const transactions = new ActiveTransactions({ forgetMs: 12 * HOUR, limit: 100 });
    transactions.heard(announced({}));
    expect(ask(transactions, { cp: 'B', at: TEN + MINUTE })).toBe('Accepted');
    expect(ask(transactions, { cp: 'C', at: TEN + 2 * MINUTE })).toBe('ConcurrentTx');
    transactions.level = true;
    transactions.heard(announced({ token: 'OTHER', tx: 't9' }));
    // An own start that nobody announces: analytics is away, and with it every end said elsewhere.
    ask(transactions, { cp: 'D', token: 'THIRD', at: TEN + 3 * MINUTE });
    expect(transactions.isInformed(TEN + 4 * MINUTE)).toBe(true);
    expect(ask(transactions, { cp: 'E', token: 'OTHER', at: TEN + 4 * MINUTE })).toBe('ConcurrentTx');
    expect(transactions.isInformed(TEN + 6 * MINUTE)).toBe(false);
    expect(ask(transactions, { cp: 'F', token: 'OTHER', at: TEN + 6 * MINUTE })).toBe('Accepted');
    transactions.goesOn('anything', TEN + 7 * MINUTE);
    expect(transactions.isInformed(TEN + 7 * MINUTE)).toBe(true);
  });

  test('a stream that is another one is not believed any more; own answers stand', () => {
    const transactions = known();
    transactions.heard(announced({}));
    ask(transactions, { cp: 'B', token: 'OWN' });
    transactions.forgetHeard();
    transactions.level = true;
    expect(ask(transactions, { cp: 'C', at: TEN + MINUTE })).toBe('Accepted');
    expect(ask(transactions, { cp: 'C', tx: 't2', token: 'OWN', at: TEN + MINUTE })).toBe('ConcurrentTx');
  });

  test('it takes no more room than it may: the ended ones go first, then the oldest, and those are accepted', () => {
    const transactions = known(100);
    for (let i = 0; i < 100; i++) ask(transactions, { cp: `CP-${i}`, token: `T-${i}`, at: TEN + i });
    for (let i = 50; i < 60; i++) stop(transactions, `CP-${i}`, 't1', TEN + MINUTE);
    ask(transactions, { cp: 'X', token: 'T-X', at: TEN + HOUR });
    expect(transactions.size).toBe(90);
    expect(transactions.crowdedOut).toBe(1);
    expect(ask(transactions, { cp: 'Y', token: 'T-0', at: TEN + HOUR })).toBe('Accepted');
    expect(ask(transactions, { cp: 'Y', tx: 't2', token: 'T-1', at: TEN + HOUR })).toBe('ConcurrentTx');
  });
});

/**
 * Two gateways, some chargers, one card each for a few people; starts, stops and repeats in any order, and announcements
 * that come to each gateway when they come.
 */
describe('however starts, stops, repeats and announcements fall', () => {
  interface Tx {
    cp: string;
    tx: string;
    token: string;
    at: number;
    evse: number;
    answers: Set<string>;
    accepted: boolean;
    stopped: boolean;
  }
  interface Step {
    what: 'start' | 'stop' | 'repeat' | 'hear';
    gateway: number;
    cp: number;
    token: number;
    which: number;
    ms: number;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom('start', 'start', 'stop', 'repeat', 'hear', 'hear'),
    gateway: fc.nat(1),
    cp: fc.nat(3),
    token: fc.nat(2),
    which: fc.nat(50),
    ms: fc.integer({ min: 0, max: 20 * MINUTE }),
  });

  function play(steps: readonly Step[], hearsAtOnce: boolean) {
    const gateways = [known(), known()];
    const waiting: Announced[][] = [[], []];
    const all: Tx[] = [];
    let now = TEN;
    const tell = (one: Announced): void => {
      for (const list of waiting) list.push(one);
    };
    const hear = (gateway: number, count: number): void => {
      for (const one of waiting[gateway]!.splice(0, count)) gateways[gateway]!.heard(one);
    };
    const hearAll = (): void => {
      for (const gateway of [0, 1]) hear(gateway, Number.POSITIVE_INFINITY);
    };
    const open = () => all.filter((one) => !one.stopped);
    for (const { what, gateway, cp, token, which, ms } of steps) {
      now += 10_000 + ms;
      const gw = gateways[gateway] as ActiveTransactions;
      if (what === 'start') {
        const one: Tx = {
          ...{ cp: `CP-${cp}`, tx: `t${all.length}`, token: `TAG-${token}`, at: now, evse: 1 },
          ...{ answers: new Set<string>(), accepted: false, stopped: false },
        };
        // The charger has gone on to another transaction: the log calls what was open there abandoned.
        for (const left of open().filter((other) => other.cp === one.cp)) {
          left.stopped = true;
          tell(announced(left, { status: 'abandoned', authStatus: [...left.answers][0] as string }, now));
        }
        const answer = ask(gw, one);
        one.answers.add(answer);
        one.accepted = answer === 'Accepted';
        all.push(one);
        tell(announced(one, { authStatus: answer }));
      } else if (what === 'stop') {
        const one = open()[which % Math.max(1, open().length)];
        if (one === undefined) continue;
        one.stopped = true;
        stop(gw, one.cp, one.tx, now);
        tell(announced(one, { ...ended(now), authStatus: [...one.answers][0] as string }, now));
      } else if (what === 'repeat') {
        const one = all[which % Math.max(1, all.length)];
        if (one === undefined) continue;
        // At the gateway that heard of it, or at whichever: here everything has been heard before.
        hearAll();
        one.answers.add(ask(gw, { ...one, received: now }));
      } else hear(gateway, 1 + (which % 3));
      if (hearsAtOnce) hearAll();
    }
    hearAll();
    return { gateways, all, open, now };
  }

  test('where each has heard of the others, a token is in one accepted transaction at a time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { open } = play(steps, true);
        const tokens = open().flatMap(({ accepted, token }) => (accepted ? [token] : []));
        expect(new Set(tokens).size).toBe(tokens.length);
      }),
    );
  });

  test('no transaction is ever refused for itself: repeats get the first answer', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, hearsAtOnce) => {
        for (const { answers } of play(steps, hearsAtOnce).all) expect(answers.size).toBe(1);
      }),
    );
  });

  test('when everything has been heard, both gateways refuse exactly the tokens that charge', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(2), (steps, number) => {
        const { gateways, open, now } = play(steps, false);
        const token = `TAG-${number}`;
        const charges = open().some((one) => one.accepted && one.token === token);
        for (const gateway of gateways)
          expect(ask(gateway, { cp: 'FRESH', tx: 'last', token, at: now + MINUTE })).toBe(
            charges ? 'ConcurrentTx' : 'Accepted',
          );
      }),
    );
  });
});
