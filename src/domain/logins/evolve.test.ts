/**
 * Whoever judges logins differently from another process lets somebody in who is out elsewhere, or throws out who is in.
 * Processes began to read at different places of a log that forgets, so that is what most of this is about.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LoginEvent } from '../messages/login-events.js';
import { evolveLogins, forget, SLACK_MS } from './evolve.js';
import { emptyLogins, LOGINS_KEPT, type LoginsState } from './state.js';

const DAY = 86_400_000;
const START = Date.parse('2026-11-26T08:00:00.000Z');
let count = 0;
const at = (ms: number) => new Date(ms).toISOString();

const begun = (loginId: string, since = START, { account = 'ac-1', lifeMs = 14 * DAY } = {}): LoginEvent => ({
  id: `e${count++}`,
  schema: 1,
  at: at(since),
  type: 'login.begun',
  loginId,
  accountId: account,
  endsAt: at(since + lifeMs),
  credential: 'c',
});
const turned = (loginId: string, version: number, ms = START, account = 'ac-1'): LoginEvent => ({
  id: `e${count++}`,
  schema: 1,
  at: at(ms),
  type: 'login.turned',
  loginId,
  accountId: account,
  version,
});
const ended = (loginId: string, ms = START, account = 'ac-1'): LoginEvent => ({
  id: `e${count++}`,
  schema: 1,
  at: at(ms),
  type: 'login.ended',
  loginId,
  accountId: account,
});

/** Verdicts of events in this order: 'applied', or why one was void. */
function judged(state: LoginsState, ...events: LoginEvent[]): string[] {
  return events.map((event, offset) => {
    const verdict = evolveLogins(state, event, offset);
    return verdict.verdict === 'applied' ? 'applied' : verdict.reason;
  });
}

describe('a login', () => {
  test('turns once per version: of two with the same refresh token one is first', () => {
    expect(judged(emptyLogins(), begun('a'), turned('a', 2), turned('a', 2), turned('a', 3))).toEqual([
      'applied',
      'applied',
      'VERSION',
      'applied',
    ]);
  });

  test('leaves out no version', () => {
    expect(judged(emptyLogins(), begun('a'), turned('a', 3))).toEqual(['applied', 'VERSION']);
  });

  test('ends whatever its version is, once, and nothing goes on after it', () => {
    const state = emptyLogins();
    expect(
      judged(state, begun('a'), turned('a', 2), ended('a'), ended('a'), turned('a', 3), begun('a')),
    ).toEqual(['applied', 'applied', 'applied', 'UNKNOWN', 'UNKNOWN', 'DUPLICATE']);
    expect(state.logins.size).toBe(0);
  });

  test('that began is not begun again by an event that was sent twice, so no turn is taken back', () => {
    const state = emptyLogins();
    const event = begun('a');
    expect(judged(state, event, turned('a', 2), event)).toEqual(['applied', 'applied', 'DUPLICATE']);
    expect(state.logins.get('a')).toMatchObject({ version: 2 });
  });

  test("is its account's: another's event about it is void", () => {
    expect(
      judged(emptyLogins(), begun('a'), turned('a', 2, START, 'ac-2'), ended('a', START, 'ac-2')),
    ).toEqual(['applied', 'UNKNOWN', 'UNKNOWN']);
  });

  test('gives way when its account has begun so many newer ones, and other accounts keep theirs', () => {
    const state = emptyLogins();
    judged(state, begun('mine'), begun('other', START, { account: 'ac-2' }));
    for (let n = 1; n < LOGINS_KEPT; n++) evolveLogins(state, begun(`n${n}`), n + 1);
    expect(state.logins.has('mine')).toBe(true);
    evolveLogins(state, begun('last'), 100);
    expect(state.logins.has('mine')).toBe(false);
    expect(state.byAccount.get('ac-1')?.size).toBe(LOGINS_KEPT);
    expect(state.logins.has('other')).toBe(true);
  });

  test('that has passed does not push one out that goes on', () => {
    const state = emptyLogins();
    for (let n = 0; n < LOGINS_KEPT - 1; n++)
      evolveLogins(state, begun(`short${n}`, START, { lifeMs: DAY }), n);
    evolveLogins(state, begun('long'), 50);
    evolveLogins(state, begun('late', START + 2 * DAY), 51);
    expect([...(state.byAccount.get('ac-1') ?? [])]).toEqual(['long', 'late']);
  });
});

describe('the refresh token that somebody came with last', () => {
  const of = (event: LoginEvent, presented: number): LoginEvent => ({ ...event, presented }) as LoginEvent;
  const went = (...events: LoginEvent[]) => {
    const state = emptyLogins();
    judged(state, begun('a'), ...events);
    return state.logins.get('a');
  };

  test('is the one before the newest, in events of before too', () => {
    expect(went()).toMatchObject({ version: 1, presented: 0 });
    expect(went(turned('a', 2), turned('a', 3, START + 5))).toMatchObject({
      version: 3,
      presented: 2,
      presentedAt: START + 5,
    });
  });

  test('that comes again turns the login, and its time stays that of the first: no copy can be kept alive', () => {
    expect(
      went(turned('a', 2, START + 1), of(turned('a', 3, START + 2), 1), of(turned('a', 4, START + 3), 1)),
    ).toMatchObject({ version: 4, presented: 1, presentedAt: START + 1 });
  });
});

describe('memory', () => {
  test('lets go of what has passed, and of those that were ended, once nobody can come late with them', () => {
    const state = emptyLogins();
    judged(state, begun('a'), begun('b'), ended('b'));
    forget(state, { now: START + 14 * DAY + SLACK_MS - 1, first: 0 });
    expect([state.logins.size, state.ended.size]).toEqual([1, 1]);
    forget(state, { now: START + 14 * DAY + SLACK_MS, first: 0 });
    expect([state.logins.size, state.ended.size, state.byAccount.size]).toEqual([0, 0, 0]);
  });

  test('lets go of what began before all that the log still has: a process that starts now would not know it', () => {
    const state = emptyLogins();
    judged(state, begun('a'), begun('b'));
    forget(state, { now: START, first: 1 });
    expect([...state.logins.keys()]).toEqual(['b']);
  });
});

/**
 * Any history: logins of a few accounts begin (more than are kept), turn, end; events come twice, some late, clocks differ.
 * `at` is when the writer says it was, `logged` when it came into the log.
 */
const LIFE = 14 * DAY;
const KEPT = LIFE + 2 * DAY;
interface Logged {
  readonly event: LoginEvent;
  readonly logged: number;
}
const history: fc.Arbitrary<Logged[]> = fc
  .array(
    fc.record({
      what: fc.constantFrom('begin', 'begin', 'begin', 'turn', 'end', 'again'),
      which: fc.nat({ max: 40 }),
      account: fc.constantFrom('ac-1', 'ac-1', 'ac-1', 'ac-2'),
      /** Quick, so that there are many at a time, or hours and days between. */
      pauseMs: fc.oneof(
        { weight: 4, arbitrary: fc.nat({ max: 60_000 }) },
        { weight: 4, arbitrary: fc.nat({ max: 3_600_000 }) },
        { weight: 2, arbitrary: fc.nat({ max: 8 * 3_600_000 }) },
        { weight: 1, arbitrary: fc.nat({ max: 3 * DAY }) },
      ),
      skewMs: fc.integer({ min: -SLACK_MS / 2, max: SLACK_MS / 2 }),
      lifeMs: fc.oneof(fc.constant(LIFE), fc.integer({ min: 60_000, max: LIFE })),
      wrongBy: fc.constantFrom(0, 0, 0, 1, -1),
    }),
    { minLength: 50, maxLength: 250 },
  )
  .map((steps) => {
    const out: Logged[] = [];
    const begunAs: { id: string; account: string; version: number }[] = [];
    let logged = START;
    for (const { what, which, account, pauseMs, skewMs, lifeMs, wrongBy } of steps) {
      logged += pauseMs;
      const time = logged + skewMs;
      const one = begunAs.at(-1 - (which % Math.max(1, begunAs.length)));
      if (what === 'begin' || one === undefined) {
        const id = `l${begunAs.length}`;
        begunAs.push({ id, account, version: 1 });
        out.push({ logged, event: begun(id, time, { account, lifeMs: Math.min(lifeMs, LIFE) }) });
      } else if (what === 'turn') {
        one.version += 1;
        const event = turned(one.id, Math.max(2, one.version + wrongBy), time, one.account);
        const isAgain = which % 4 === 0 && one.version > 2;
        out.push({ logged, event: isAgain ? { ...event, presented: one.version - 2 } : event } as Logged);
      } else if (what === 'end') out.push({ logged, event: ended(one.id, time, one.account) });
      else {
        // Sent again after a lost confirm: within the day.
        const former = out.findLast(
          ({ logged: then }, index) => logged - then < SLACK_MS / 2 && index % 3 !== which % 3,
        );
        if (former !== undefined) out.push({ logged, event: former.event });
      }
    }
    return out;
  });

/** What anybody who asks at `now` finds. */
const holding = (state: LoginsState, now: number) =>
  [...state.logins.values()]
    .filter(({ endsAt }) => endsAt > now)
    .map(({ id, version, accountId }) => `${accountId} ${id} ${version}`);

test('processes that began at different places agree on every login that holds, whenever each forgets', () => {
  fc.assert(
    fc.property(
      history,
      fc.array(fc.nat({ max: 250 }), { minLength: 1, maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      (log, startsAt, forgets) => {
        const whole = emptyLogins();
        const late = startsAt.map((index) => ({ index: Math.min(index, log.length), state: emptyLogins() }));
        log.forEach(({ event, logged }, offset) => {
          const began = late.filter(({ index }) => index <= offset);
          for (const { index, state } of began)
            if (index === offset) {
              // It reads what the log keeps at this time, all at once.
              const first = log.findIndex((one) => one.logged >= logged - KEPT);
              for (let at = first; at < offset; at++) evolveLogins(state, log[at]!.event, at);
            }
          const verdict = evolveLogins(whole, event, offset);
          for (const { state } of began) {
            const theirs = evolveLogins(state, event, offset);
            const holds = verdict.verdict === 'applied' && verdict.login.endsAt > logged;
            if (holds) expect(theirs).toEqual(verdict);
            expect(holding(state, logged)).toEqual(holding(whole, logged));
          }
          [whole, ...began.map(({ state }) => state)].forEach((state, n) => {
            if (forgets[(offset + n) % forgets.length]) forget(state, { now: logged, first: 0 });
          });
        });
      },
    ),
    // Not shrunk: that takes minutes; the seed is told.
    { numRuns: 300, endOnFailure: true },
  );
});

test('memory is bounded by what goes on: however long the history, nothing passed stays', () => {
  fc.assert(
    fc.property(history, (log) => {
      const state = emptyLogins();
      log.forEach(({ event }, offset) => void evolveLogins(state, event, offset));
      for (const ids of state.byAccount.values()) expect(ids.size).toBeLessThanOrEqual(LOGINS_KEPT);
      forget(state, { now: Number.MAX_SAFE_INTEGER, first: 0 });
      expect([state.logins.size, state.byAccount.size, state.ended.size]).toEqual([0, 0, 0]);
    }),
  );
});
