/** What a charger must hold offline, and what it lacks: wrong here means a lost card that charges, or a home without power. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CmsEvent, EntityKind } from '../messages/cms-events.js';
import { evolve } from './evolve.js';
import {
  type ListLimits,
  listVersionAt,
  planList,
  scopeOf,
  TouchedTokens,
  timeOfListVersion,
  wantedList,
} from './local-list.js';
import { emptyState, lookUp, type RegistryState } from './state.js';
import { examples } from './testing/examples.js';
import { tokenIdOf } from './token.js';

const BEGIN = Date.parse('2026-11-26T10:00:00Z');
const LIMITS: ListLimits = { entries: 100, tokenLength: 20 };

/** A registry in which every change comes a minute after the one before. */
class Book {
  readonly state: RegistryState = emptyState();
  now = BEGIN;
  private events = 0;

  constructor(localList: string | null = 'all', more: object = {}) {
    this.put('station', 'st-1', examples.station);
    this.put('account', 'ac-1', examples.account);
    this.put('account', 'ac-2', { ...examples.account, id: 'ac-2', email: 'other@example.com' });
    const { tariff: _, ...point } = examples.point;
    const evses = [
      { evseId: 1, connectors: [{ ...examples.point.evses[0]?.connectors[0], tariff: undefined }] },
    ];
    this.put('point', 'CP-1', { ...point, evses, ...(localList === null ? {} : { localList }), ...more });
  }

  put(kind: EntityKind, id: string, state: object | null): void {
    this.now += 60_000;
    const before = lookUp(this.state, kind, id);
    const change = state === null ? 'deleted' : before?.state ? 'updated' : 'created';
    const verdict = evolve(this.state, {
      id: `e${++this.events}`,
      schema: 1,
      at: new Date(this.now).toISOString(),
      type: `cms.${kind}.${change}`,
      kind,
      entityId: id,
      version: (before?.version ?? 0) + 1,
      actor: 'test',
      state,
    } as CmsEvent);
    expect(verdict).toMatchObject({ verdict: 'applied' });
  }

  token(uid: string, more: object | null = {}): void {
    const { account: _, ...token } = examples.token;
    this.put('token', tokenIdOf(uid), more === null ? null : { ...token, uid, ...more });
  }

  plan(version: number | undefined, limits = LIMITS) {
    const point = lookUp(this.state, 'point', 'CP-1');
    if (point === undefined) throw new Error('no point');
    const at = this.now + 30_000;
    return planList(this.state, point, { version, limits, at, touched: new TouchedTokens(this.state) });
  }

  wanted(limits = LIMITS) {
    const point = lookUp(this.state, 'point', 'CP-1')?.state;
    return wantedList(this.state, point ? scopeOf(point) : undefined, limits, this.now + 30_000);
  }

  /** Of a list that was made just now. */
  get version(): number {
    return listVersionAt(this.now + 30_000);
  }
}

describe('what a list holds', () => {
  test('nothing unless the charging point says so', () => {
    for (const mode of ['none', null]) {
      const book = new Book(mode);
      book.token('A1');
      expect(book.wanted().entries).toEqual([]);
      expect(book.plan(0)).toEqual({ kind: 'up-to-date' });
    }
  });

  test('"account": the tokens of its own account, and of nobody else; "all": all; never whose whitelist is NEVER', () => {
    const home = new Book('account', { account: 'ac-1' });
    for (const book of [home, new Book('all')]) {
      book.token('B2', { account: 'ac-1' });
      book.token('A1', { account: 'ac-1' });
      book.token('C3', { account: 'ac-2' });
      book.token('D4', { account: 'ac-1', whitelist: 'NEVER' });
      expect(book.wanted().entries.map(({ uid }) => uid)).toEqual(
        book === home ? ['A1', 'B2'] : ['A1', 'B2', 'C3'],
      );
    }
    const nobodys = new Book('account');
    nobodys.token('A1');
    expect(nobodys.wanted().entries).toEqual([]);
  });

  test('an entry says what a reader would be told: status, expiry and parent group together', () => {
    const book = new Book();
    book.token('G', { expiresAt: '2026-12-24T00:00:00Z' });
    book.token('A', { group_id: 'g', expiresAt: '2026-12-31T00:00:00Z' });
    book.token('B', { status: 'Blocked' });
    book.token('C', { expiresAt: '2026-01-01T01:00:00+01:00' });
    book.token('D', { account: 'ac-2' });
    book.put('account', 'ac-2', { ...examples.account, id: 'ac-2', email: undefined, disabled: true });
    expect(book.wanted().entries).toEqual([
      { uid: 'A', type: 'RFID', status: 'Accepted', expiresAt: '2026-12-24T00:00:00.000Z', group: 'g' },
      { uid: 'B', type: 'RFID', status: 'Blocked' },
      { uid: 'C', type: 'RFID', status: 'Expired', expiresAt: '2026-01-01T00:00:00.000Z' },
      { uid: 'D', type: 'RFID', status: 'Blocked' },
      { uid: 'G', type: 'RFID', status: 'Accepted', expiresAt: '2026-12-24T00:00:00.000Z' },
    ]);
    book.token('G', { status: 'Blocked' });
    expect(book.wanted().entries[0]).toMatchObject({ uid: 'A', status: 'Blocked' });
  });

  test('too many: those that are not Accepted are left out first, then the last by uid; too long ones always', () => {
    const book = new Book();
    book.token('A', { status: 'Blocked' });
    for (const uid of ['D', 'B', 'C', 'X'.repeat(21)]) book.token(uid);
    const { entries, left, tooLong } = book.wanted({ entries: 2, tokenLength: 20 });
    expect([entries.map(({ uid }) => uid), left, tooLong]).toEqual([['B', 'C'], 2, 1]);
  });
});

describe('what a charger lacks, by the version that it says', () => {
  test.each([
    [undefined, 'nothing that can be used'],
    [0, 'no list'],
    [3, 'a part of a list that was not sent to its end'],
    [1_795_600_800, "another system's number, in the future here"],
  ])('%s (%s): the whole list', (version: number | undefined, _why: string) => {
    const book = new Book();
    book.token('A1');
    expect(book.plan(version)).toMatchObject({ kind: 'full', entries: [{ uid: 'A1' }] });
  });

  test('nothing, when nothing has changed that makes a difference to it', () => {
    const book = new Book();
    book.token('A1', { account: 'ac-1' });
    const { version } = book;
    expect(book.plan(version)).toEqual({ kind: 'up-to-date' });
    book.token('A1', { account: 'ac-1', visual_number: 'WS-17' });
    book.put('account', 'ac-1', { ...examples.account, name: 'Somebody else' });
    book.token('N1', { whitelist: 'NEVER' });
    book.token('N1', null);
    expect(book.plan(version)).toEqual({ kind: 'up-to-date' });
  });

  test('only what has changed since: new, changed, blocked by account or group, gone', () => {
    const book = new Book();
    book.token('G');
    for (const uid of ['A', 'B', 'C', 'D', 'E', 'F']) book.token(uid);
    book.token('H', { group_id: 'G' });
    book.token('I', { account: 'ac-2' });
    const { version } = book;
    book.token('A', { status: 'Blocked' });
    book.token('B', null);
    book.token('C', { whitelist: 'NEVER' });
    book.token('J');
    book.token('K');
    book.token('K', null);
    book.token('G', { status: 'Blocked' });
    book.put('account', 'ac-2', { ...examples.account, id: 'ac-2', email: undefined, disabled: true });
    const plan = book.plan(version);
    expect(plan).toMatchObject({
      kind: 'differential',
      changes: [
        { uid: 'A', entry: { status: 'Blocked' } },
        { uid: 'B', entry: undefined },
        { uid: 'C', entry: undefined },
        { uid: 'G', entry: { status: 'Blocked' } },
        { uid: 'H', entry: { status: 'Blocked' } },
        { uid: 'I', entry: { status: 'Blocked' } },
        { uid: 'J', entry: { status: 'Accepted' } },
      ],
    });
  });

  test("a home charger hears nothing of other people's tokens, unless one was or is of the house", () => {
    const book = new Book('account', { account: 'ac-1' });
    book.token('MINE', { account: 'ac-1' });
    book.token('SOLD', { account: 'ac-1' });
    const { version } = book;
    book.token('FOREIGN', { account: 'ac-2' });
    book.token('FOREIGN', null);
    book.token('SOLD', { account: 'ac-2' });
    expect(book.plan(version)).toMatchObject({ changes: [{ uid: 'SOLD', entry: undefined }] });
  });

  test('whose list it is has changed: all of it anew; none any more: it is emptied, once', () => {
    const book = new Book('account', { account: 'ac-1' });
    book.token('A', { account: 'ac-1' });
    const { version } = book;
    const point = lookUp(book.state, 'point', 'CP-1')?.state;
    book.put('point', 'CP-1', { ...point, name: 'Porch' });
    expect(book.plan(version)).toEqual({ kind: 'up-to-date' });
    book.put('point', 'CP-1', { ...point, localList: 'all' });
    expect(book.plan(version)).toMatchObject({ kind: 'full' });
    book.put('point', 'CP-1', { ...point, localList: 'none' });
    expect(book.plan(version)).toEqual({ kind: 'full', entries: [], left: 0, tooLong: 0 });
    expect(book.plan(book.version)).toEqual({ kind: 'up-to-date' });
  });

  test('one that is written otherwise is another one to some chargers: the old one is taken off first', () => {
    const book = new Book();
    book.token('cafe');
    const { version } = book;
    book.token('CAFE');
    expect(book.plan(version)).toMatchObject({
      changes: [{ uid: 'cafe', entry: undefined }, { uid: 'CAFE' }],
    });
  });

  test('a list that is longer than the charger can hold is sent whole: who goes depends on who comes', () => {
    const book = new Book();
    for (const uid of ['B', 'C']) book.token(uid);
    const { version } = book;
    book.token('A');
    expect(book.plan(version, { entries: 2, tokenLength: 20 })).toMatchObject({
      kind: 'full',
      entries: [{ uid: 'A' }, { uid: 'B' }],
      left: 1,
    });
  });

  test('when there is room again for those that were left out, too', () => {
    const book = new Book();
    for (const uid of ['A', 'B', 'C']) book.token(uid);
    const { version } = book;
    book.token('A', null);
    expect(book.plan(version, { entries: 2, tokenLength: 20 })).toMatchObject({
      kind: 'full',
      entries: [{ uid: 'B' }, { uid: 'C' }],
      left: 0,
    });
  });

  test('the registry says that it can hold more, or fewer: all of it anew, though no token has changed', () => {
    const { tariff: _, ...point } = examples.point;
    const evses = [
      { evseId: 1, connectors: [{ ...examples.point.evses[0]?.connectors[0], tariff: undefined }] },
    ];
    const book = new Book();
    for (const uid of ['A', 'B', 'C']) book.token(uid);
    const { version } = book;
    book.put('point', 'CP-1', { ...point, evses, localList: 'all', localListEntries: 2 });
    expect(book.plan(version, { ...LIMITS, entries: 2 })).toMatchObject({
      kind: 'full',
      entries: [{ uid: 'A' }, { uid: 'B' }],
      left: 1,
    });
    const fewer = book.version;
    book.put('point', 'CP-1', { ...point, evses, localList: 'all' });
    expect(book.plan(fewer)).toMatchObject({ kind: 'full', left: 0 });
  });

  test('tokens that never were on a list are no reason to look: starts, and cards that are always asked about', () => {
    const book = new Book();
    book.token('A1');
    book.token('G', { whitelist: 'NEVER' });
    book.token('B2', { group_id: 'G' });
    const { version } = book;
    const touched = () => new TouchedTokens(book.state);
    const newest = touched().newest(book.state, { mode: 'all', account: undefined });
    book.token('ONCE', { type: 'AD_HOC_USER', issuer: 'wattstream start', whitelist: 'NEVER' });
    book.token('ONCE', null);
    book.token('NEVER', { whitelist: 'NEVER' });
    expect(touched().newest(book.state, { mode: 'all', account: undefined })).toBe(newest);
    expect(touched().since(timeOfListVersion(version))).toEqual([]);
    // What was on a list once is taken off it, and what is said of a group is said of its tokens.
    book.token('A1', { whitelist: 'NEVER' });
    book.token('G', { whitelist: 'NEVER', status: 'Blocked' });
    expect(book.plan(version)).toMatchObject({
      kind: 'differential',
      changes: [
        { uid: 'A1', entry: undefined },
        { uid: 'B2', entry: { status: 'Blocked' } },
      ],
    });
  });

  test('a version is a time, to and fro', () => {
    expect(listVersionAt(Date.parse('2020-01-01T00:00:10.999Z'))).toBe(10);
    expect(timeOfListVersion(10)).toBe(Date.parse('2020-01-01T00:00:10Z'));
    expect(listVersionAt(Date.parse('2088-01-19T00:00:00Z'))).toBeLessThan(2 ** 31);
  });
});

test('whatever happens between its updates, a charger that takes them holds what it should', () => {
  const uids = ['A', 'B', 'c', 'D', 'E'];
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('token' as const),
      uid: fc.constantFrom(...uids),
      status: fc.constantFrom('Accepted', 'Blocked'),
      whitelist: fc.constantFrom('ALLOWED', 'NEVER'),
      account: fc.constantFrom('ac-1', 'ac-2', undefined),
      group: fc.constantFrom('A', 'Z', undefined),
    }),
    fc.record({ kind: fc.constant('delete' as const), uid: fc.constantFrom(...uids) }),
    fc.record({
      kind: fc.constant('account' as const),
      id: fc.constantFrom('ac-1', 'ac-2'),
      disabled: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('scope' as const), localList: fc.constantFrom('none', 'account', 'all') }),
    fc.constant({ kind: 'sync' as const }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, entries) => {
      const limits = { entries, tokenLength: 20 };
      const book = new Book('all', { account: 'ac-1' });
      const list = new Map<string, unknown>();
      let version: number | undefined;
      const sync = (): void => {
        const plan = book.plan(version, limits);
        if (plan.kind === 'up-to-date') return;
        if (plan.kind === 'full') list.clear();
        const changes =
          plan.kind === 'full' ? plan.entries.map((entry) => ({ uid: entry.uid, entry })) : plan.changes;
        for (const { uid, entry } of changes) {
          if (entry === undefined) list.delete(uid.toUpperCase());
          else list.set(uid.toUpperCase(), entry);
        }
        version = book.version;
        expect(book.plan(version, limits)).toEqual({ kind: 'up-to-date' });
      };
      for (const one of [...steps, { kind: 'sync' as const }]) {
        const there = 'uid' in one && lookUp(book.state, 'token', tokenIdOf(one.uid))?.state != null;
        if (one.kind === 'token') {
          const { uid, status, whitelist, account, group } = one;
          book.token(uid, { status, whitelist, account, group_id: group === uid ? undefined : group });
        } else if (one.kind === 'delete') {
          if (there) book.token(one.uid, null);
        } else if (one.kind === 'account')
          book.put('account', one.id, {
            ...examples.account,
            id: one.id,
            email: undefined,
            disabled: one.disabled,
          });
        else if (one.kind === 'scope') {
          const point = lookUp(book.state, 'point', 'CP-1')?.state;
          book.put('point', 'CP-1', { ...point, localList: one.localList });
        } else {
          sync();
          const byUid = (a: [string, unknown], b: [string, unknown]) => (a[0] < b[0] ? -1 : 1);
          expect([...list].sort(byUid).map(([, entry]) => entry)).toEqual(book.wanted(limits).entries);
        }
      }
    }),
    { numRuns: 300 },
  );
});
