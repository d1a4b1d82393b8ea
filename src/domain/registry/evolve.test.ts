import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CmsEvent, EntityKind } from '../messages/cms-events.js';
import { evolve, judge, type Verdict } from './evolve.js';
import {
  type Change,
  copyOf,
  ENDED_KEPT_DAYS,
  type Entity,
  emptyState,
  isOneTimeOnly,
  lookUp,
  mapOf,
  put,
  type RegistryState,
} from './state.js';
import { examples } from './testing/examples.js';

let serial = 0;
const event = (
  kind: EntityKind,
  change: Change,
  version: number,
  state: Record<string, unknown> | null,
  entityId = String(state?.id ?? String(state?.uid).toUpperCase()),
): CmsEvent => ({
  id: `e${++serial}`,
  schema: 1,
  at: '2026-05-01T10:00:00.000Z',
  type: `cms.${kind}.${change}`,
  kind,
  entityId,
  version,
  actor: 'test',
  state,
});
const { station, point, tariff, token, account, outage, webhook } = examples;
const feed = (state: RegistryState, events: readonly CmsEvent[]): Verdict[] =>
  events.map((one) => evolve(state, one));
const words = (verdicts: readonly Verdict[]) =>
  verdicts.map((one) => (one.verdict === 'applied' ? 'applied' : one.reason));

describe('versions', () => {
  test('of two who change the same version the first in the log wins, and the other changes nothing', () => {
    const state = emptyState();
    const verdicts = feed(state, [
      event('station', 'created', 1, station),
      event('station', 'updated', 2, { ...station, name: 'first' }),
      event('station', 'updated', 2, { ...station, name: 'second' }),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'VERSION']);
    expect(lookUp(state, 'station', 'st-1')).toMatchObject({ version: 2, state: { name: 'first' } });
  });

  test('nothing is created twice, changed before it is there, or deleted twice', () => {
    const verdicts = feed(emptyState(), [
      event('station', 'updated', 1, station),
      event('station', 'created', 1, station),
      event('station', 'created', 2, station),
      event('station', 'deleted', 2, null, 'st-1'),
      event('station', 'deleted', 3, null, 'st-1'),
    ]);
    expect(words(verdicts)).toEqual(['VERSION', 'applied', 'VERSION', 'applied', 'VERSION']);
  });

  test('versions go on over a deletion, so that what applied before it never applies again', () => {
    const state = emptyState();
    const created = event('station', 'created', 1, station);
    const verdicts = feed(state, [created, event('station', 'deleted', 2, null, 'st-1'), created]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'VERSION']);
    expect(words(feed(state, [event('station', 'created', 3, station)]))).toEqual(['applied']);
  });

  test('what was void stays void, also when what it lacked has come before its resend', () => {
    const state = emptyState();
    const early = event('point', 'created', 1, { ...point, tariff: undefined });
    const verdicts = feed(state, [early, event('station', 'created', 1, station), early]);
    expect(words(verdicts)).toEqual(['REFERENCE_MISSING', 'applied', 'DUPLICATE']);
  });

  test('who changed which fields is kept; states only where events of that time ask for them', () => {
    const state = emptyState();
    feed(state, [
      event('station', 'created', 1, station),
      event('station', 'updated', 2, { ...station, name: 'B', publish: false }),
      event('tariff', 'created', 1, tariff),
      event('tariff', 'updated', 2, { ...tariff, currency: 'DKK' }),
    ]);
    expect(lookUp(state, 'station', 'st-1')).toMatchObject({ changed: ['name', 'publish'] });
    expect(lookUp(state, 'station', 'st-1')?.past[0]).not.toHaveProperty('state');
    expect(lookUp(state, 'tariff', 'day')?.past[0]).toMatchObject({ version: 1, state: tariff });
  });
});

describe('rules between entities', () => {
  const grown = () => {
    const state = emptyState();
    const verdicts = feed(state, [
      event('station', 'created', 1, station),
      event('tariff', 'created', 1, tariff),
      event('account', 'created', 1, account),
      event('point', 'created', 1, point),
      event('token', 'created', 1, token),
      event('outage', 'created', 1, outage),
      event('webhook', 'created', 1, webhook),
    ]);
    expect(words(verdicts)).toEqual(Array(7).fill('applied'));
    return state;
  };

  test('no point without its station, account and tariffs: each is named', () => {
    const verdict = evolve(emptyState(), event('point', 'created', 1, point));
    expect(verdict).toMatchObject({
      verdict: 'void',
      reason: 'REFERENCE_MISSING',
      errors: [{ field: 'station' }, { field: 'tariff' }, { field: 'evses.0.connectors.0.tariff' }],
    });
  });

  test('what others refer to is not deleted, and they are named', () => {
    const state = grown();
    const verdict = evolve(state, event('station', 'deleted', 2, null, 'st-1'));
    expect(verdict).toMatchObject({ reason: 'REFERENCED', detail: 'point CP-1, webhook wh-1 refer to it.' });
    expect(words(feed(state, [event('tariff', 'deleted', 2, null, 'day')]))).toEqual(['REFERENCED']);
    const freed = [
      event('webhook', 'deleted', 2, null, 'wh-1'),
      event('point', 'deleted', 2, null, 'CP-1'),
      event('station', 'deleted', 2, null, 'st-1'),
    ];
    // The outage is evidence about the past: it does not hold the charging point.
    expect(words(feed(state, freed))).toEqual(['applied', 'applied', 'applied']);
  });

  test('an update that lets go of a reference frees it', () => {
    const state = grown();
    const { tariff: _, ...free } = point;
    const connector = { ...point.evses[0]!.connectors[0], tariff: undefined };
    const without = { ...free, evses: [{ ...point.evses[0], connectors: [connector] }] };
    const verdicts = feed(state, [
      event('point', 'updated', 2, without),
      event('tariff', 'deleted', 2, null, 'day'),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied']);
  });

  test('a token is one token whatever the case of its uid', () => {
    const again = { ...token, uid: token.uid.toLowerCase() };
    expect(words(feed(grown(), [event('token', 'created', 1, again)]))).toEqual(['VERSION']);
    // Under any other id it is no event of ours.
    expect(words(feed(grown(), [event('token', 'created', 1, again, again.uid)]))).toEqual(['SHAPE']);
  });

  test('certificate name, EVSE id and e-mail address have one owner, until it lets go', () => {
    const state = grown();
    const other = { ...point, id: 'CP-2' };
    const taken = evolve(state, event('point', 'created', 1, other));
    expect(taken).toMatchObject({ reason: 'TAKEN', errors: [{ message: 'point CP-1 has it' }, {}] });
    const cased = { ...account, id: 'ac-2', email: 'SOMEBODY@example.com' };
    expect(words(feed(state, [event('account', 'created', 1, cased)]))).toEqual(['TAKEN']);
    const verdicts = feed(state, [
      event('point', 'updated', 2, point),
      event('point', 'deleted', 3, null, 'CP-1'),
      event('point', 'created', 1, other),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'applied']);
  });

  test('the id of a profile 3 point is its certificate name, unless it has another', () => {
    const state = grown();
    const bare = { ...point, evses: [{ ...point.evses[0], evse_id: undefined }], passwordHash: undefined };
    const named = { ...bare, id: 'X', securityProfile: 3, certificateCommonName: 'Y' };
    const unnamed = { ...bare, id: 'Y', securityProfile: 3, certificateCommonName: undefined };
    const verdicts = feed(state, [
      event('point', 'created', 1, named),
      event('point', 'created', 1, unnamed),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'TAKEN']);
  });

  test('a state without its shape names the fields; a later version of the shape may know more', () => {
    const wrong = { ...station, country: 'nl', coordinates: { latitude: '95.00000', longitude: '4' } };
    expect(evolve(emptyState(), event('station', 'created', 1, wrong))).toMatchObject({
      reason: 'SHAPE',
      errors: [{ field: 'country' }, { field: 'coordinates.latitude' }, { field: 'coordinates.longitude' }],
    });
    const newer = { ...station, solarRoof: true };
    const state = emptyState();
    expect(words(feed(state, [event('station', 'created', 1, newer)]))).toEqual(['applied']);
    expect(lookUp(state, 'station', 'st-1')?.state).toHaveProperty('solarRoof', true);
  });
});

describe('personal data', () => {
  const book = (version: number, number: number, from: number | null = null) =>
    event('key-book', version === 1 ? 'created' : 'updated', version, {
      id: 'keys',
      book: number,
      from,
      tagKey: 'tag',
    });
  const sealed = (number: number, email?: string) => ({
    id: 'ac-1',
    role: 'admin',
    disabled: false,
    sealed: { book: number, key: 'k', data: 'AAAA', ...(email === undefined ? {} : { email }) },
  });

  test('what is sealed applies under the current key book alone, so that a rewrite loses no key', () => {
    const verdicts = feed(emptyState(), [
      event('account', 'created', 1, sealed(1)),
      book(1, 1),
      event('account', 'created', 1, sealed(1)),
      book(2, 2, 1),
      event('account', 'updated', 2, sealed(1)),
      event('account', 'updated', 2, sealed(2)),
    ]);
    expect(words(verdicts)).toEqual(['KEY_BOOK', 'applied', 'applied', 'applied', 'KEY_BOOK', 'applied']);
  });

  test('an address is one account’s alone by its tag, without a key', () => {
    const verdicts = feed(emptyState(), [
      book(1, 1),
      event('account', 'created', 1, sealed(1, 'tag-1')),
      event('account', 'created', 1, { ...sealed(1, 'tag-1'), id: 'ac-2' }),
      event('account', 'updated', 2, sealed(1, 'tag-2')),
      event('account', 'created', 1, { ...sealed(1, 'tag-1'), id: 'ac-2' }),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'TAKEN', 'applied', 'applied']);
  });

  test('an account without a name in the clear, sealed or erased is none, and what is erased names nobody', () => {
    const bare = { id: 'ac-1', role: 'customer', disabled: true };
    const at = { erased: '2026-11-26T10:00:00.000Z' };
    for (const wrong of [
      bare,
      { ...bare, ...at, name: 'x' },
      { ...bare, ...at, passwordHash: 'x' },
      { ...bare, ...at, disabled: false },
    ])
      expect(words(feed(emptyState(), [event('account', 'created', 1, wrong)]))).toEqual(['SHAPE']);
    expect(words(feed(emptyState(), [event('account', 'created', 1, { ...bare, ...at })]))).toEqual([
      'applied',
    ]);
  });

  test('erased is for ever, what was remembered of it is forgotten, and what it was otherwise is not', () => {
    const state = emptyState();
    const gone = { id: 'ac-1', role: 'customer', disabled: true, erased: '2026-11-26T10:00:00.000Z' };
    const verdicts = feed(state, [
      event('account', 'created', 1, { ...account, passwordHash: 'HASH' }),
      event('account', 'updated', 2, gone),
      event('account', 'updated', 3, { ...account }),
      event('account', 'deleted', 3, null, 'ac-1'),
      event('account', 'created', 1, { ...account, id: 'ac-2' }),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'ERASED', 'ERASED', 'applied']);
    const past = lookUp(state, 'account', 'ac-1')?.past[0];
    expect(past?.state).toEqual({ id: 'ac-1', role: 'customer', disabled: false });
  });
});

describe('any log', () => {
  /** Few ids and any versions: most of it is void for one reason or another. */
  const anyEvent = fc
    .record({
      id: fc.integer({ min: 1, max: 40 }).map((number) => `id-${number}`),
      kind: fc.constantFrom<EntityKind>('station', 'point', 'tariff', 'token', 'account'),
      change: fc.constantFrom<Change>('created', 'updated', 'deleted'),
      version: fc.integer({ min: 1, max: 4 }),
      name: fc.constantFrom('a', 'b'),
    })
    .map(({ id, kind, change, version, name }): CmsEvent => {
      const ids = { station: 'st-1', point: 'CP-1', tariff: 'day', token: '04A2B3C4', account: 'ac-1' };
      const state = change === 'deleted' ? null : { ...examples[kind], name };
      return { ...event(kind, change, version, state, ids[kind as keyof typeof ids]), id };
    });
  const logOf = fc.array(anyEvent, { maxLength: 60 });

  test('two processes that read it agree, wherever one of them began to look', () => {
    fc.assert(
      fc.property(logOf, (events) => {
        const [one, other] = [emptyState(), emptyState()];
        expect(feed(one, events)).toEqual(feed(other, structuredClone(events)));
        expect(one).toEqual(other);
      }),
    );
  });

  test('repeating any of its events, any number of times later, changes nothing', () => {
    fc.assert(
      fc.property(logOf, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 }), (events, repeats) => {
        // The same id with other content is no resend: here an id is one event.
        const log = [...new Map(events.map((one) => [one.id, one])).values()];
        const disturbed = [...log];
        for (const [which, where] of repeats) {
          const first = which % Math.max(1, log.length);
          const again = log[first];
          if (again === undefined) continue;
          const after = disturbed.indexOf(again) + 1;
          disturbed.splice(after + (where % (disturbed.length - after + 1)), 0, again);
        }
        const [plain, repeated] = [emptyState(), emptyState()];
        feed(plain, log);
        feed(repeated, disturbed);
        expect(repeated).toEqual(plain);
      }),
    );
  });

  test('what is asked of a state is answered as the log would: judging changes nothing', () => {
    fc.assert(
      fc.property(logOf, (events) => {
        const state = emptyState();
        for (const one of events) {
          const before = structuredClone(state);
          const complaint = judge(state, one);
          expect(state).toEqual(before);
          expect(evolve(state, one).verdict).toBe(complaint === undefined ? 'applied' : 'void');
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the last admin who can log in', () => {
  const admin = (id: string, more: Record<string, unknown> = {}) => ({
    id,
    role: 'admin',
    name: id,
    email: `${id}@example.com`,
    passwordHash: 'hash',
    disabled: false,
    ...more,
  });
  const ruled = (one: CmsEvent): CmsEvent => ({ ...one, rules: 1 });
  const change = (id: string, version: number, more: Record<string, unknown>) =>
    ruled(event('account', 'updated', version, admin(id, more)));
  const withAdmins = (...ids: string[]): RegistryState => {
    const state = emptyState();
    feed(
      state,
      ids.map((id) => ruled(event('account', 'created', 1, admin(id)))),
    );
    return state;
  };

  test.each([
    ['demoted', change('a', 2, { role: 'operator' })],
    ['disabled', change('a', 2, { disabled: true })],
    ['restricted to stations', change('a', 2, { stations: ['st-1'] })],
    ['left without a password', change('a', 2, { passwordHash: undefined })],
    ['left without an address', change('a', 2, { email: undefined })],
    ['deleted', ruled(event('account', 'deleted', 2, null, 'a'))],
    [
      'erased',
      ruled(
        event('account', 'updated', 2, {
          id: 'a',
          role: 'admin',
          disabled: true,
          erased: '2026-11-26T10:00:00.000Z',
        }),
      ),
    ],
  ])('is not %s; with another one it is', (_, wanted) => {
    const alone = withAdmins('a');
    // Who cannot log in, or may not change everything, is no other one.
    feed(alone, [
      event('account', 'created', 1, admin('off', { disabled: true })),
      event('account', 'created', 1, admin('some', { stations: ['st-1'] })),
      event('account', 'created', 1, admin('dumb', { passwordHash: undefined })),
      event('account', 'created', 1, admin('analyst', { role: 'analyst' })),
    ]);
    expect(words(feed(alone, [wanted]))).toEqual(['LAST_ADMIN']);
    expect(words(feed(withAdmins('a', 'b'), [wanted]))).toEqual(['applied']);
  });

  test('of two who demote each other at the same time, one stays', () => {
    const state = withAdmins('a', 'b');
    const verdicts = feed(state, [
      change('a', 2, { role: 'operator' }),
      change('b', 2, { role: 'operator' }),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'LAST_ADMIN']);
  });

  test('may change anything else: name, password, address', () => {
    const changes = [{ name: 'x' }, { passwordHash: 'other' }, { email: 'x@example.com' }];
    const verdicts = feed(
      withAdmins('a'),
      changes.map((more, index) => change('a', index + 2, more)),
    );
    expect(words(verdicts)).toEqual(['applied', 'applied', 'applied']);
  });

  test('of a log from before the rule applies what applied then, and nobody has to be there', () => {
    const state = emptyState();
    const verdicts = feed(state, [
      event('account', 'created', 1, admin('a')),
      event('account', 'updated', 2, admin('a', { role: 'operator' })),
      event('account', 'deleted', 3, null, 'a'),
      // Where none could log in, the rule forbids nothing.
      ruled(event('account', 'created', 1, admin('b', { passwordHash: undefined }))),
      ruled(event('account', 'deleted', 2, null, 'b')),
    ]);
    expect(words(verdicts)).toEqual(['applied', 'applied', 'applied', 'applied', 'applied']);
  });
});

describe('tokens of single starts, which would else stay in every process for ever', () => {
  const DAY = 86_400_000;
  const BEGIN = Date.parse('2026-05-01T10:00:00.000Z');
  const start = {
    uid: 'W0',
    type: 'AD_HOC_USER',
    issuer: 'wattstream start',
    whitelist: 'NEVER',
    status: 'Accepted',
  };
  const at = (one: CmsEvent, days: number): CmsEvent => ({
    ...one,
    at: new Date(BEGIN + days * DAY).toISOString(),
  });
  const made = (uid: string, days: number, more: object = {}) =>
    at(event('token', 'created', 1, { ...start, uid, ...more }), days);
  const gone = (uid: string, days: number, version = 2) =>
    at(event('token', 'deleted', version, null, uid), days);
  const other = (version: number, days: number) =>
    at(
      event('station', version === 1 ? 'created' : 'updated', version, { ...station, name: `${version}` }),
      days,
    );
  const held = (state: RegistryState) => [...mapOf(state, 'token').keys()].sort().join(' ');
  const card = at(event('token', 'created', 1, { ...token, account: undefined }), 0);

  test('deleted ones are there as long as frames of then may come, and then no more, by the time of the log alone', () => {
    const state = emptyState();
    feed(state, [card, made('W1', 0), gone('W1', 0.1), other(1, ENDED_KEPT_DAYS)]);
    expect(held(state)).toBe('04A2B3C4 W1');
    feed(state, [other(2, ENDED_KEPT_DAYS + 1)]);
    expect(held(state)).toBe('04A2B3C4');
    expect(state.ended.size).toBe(0);
  });

  test('customers’ own tokens and those that were changed into one stay, as do starts that have not ended', () => {
    const state = emptyState();
    feed(state, [
      card,
      at(event('token', 'deleted', 2, null, token.uid), 0),
      made('W1', 0),
      at(event('token', 'updated', 2, { ...start, uid: 'W1', whitelist: 'ALLOWED' }), 0),
      gone('W1', 0, 3),
      made('W2', 0),
      other(1, 400),
    ]);
    expect(held(state)).toBe('04A2B3C4 W1 W2');
  });

  /** Starts that end or do not, changes of something else, and writers whose clocks differ by hours. */
  const logOf = fc
    .array(
      fc.record({
        what: fc.constantFrom('start', 'start', 'end', 'end', 'change', 'other'),
        which: fc.nat(),
        after: fc.double({ min: 0, max: 20, noNaN: true }),
        skew: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      }),
      { minLength: 1, maxLength: 60 },
    )
    .map((steps): CmsEvent[] => {
      let now = 0;
      let stations = 0;
      const open: { uid: string; version: number }[] = [];
      return [card].concat(
        steps.map(({ what, which, after, skew }, index) => {
          now += after;
          const one = open[which % Math.max(1, open.length)];
          if (what === 'start') {
            open.push({ uid: `W${index}`, version: 1 });
            return made(`W${index}`, now + skew);
          }
          if (what === 'end' && one !== undefined) {
            open.splice(open.indexOf(one), 1);
            return gone(one.uid, now + skew, one.version + 1);
          }
          if (what === 'change' && one !== undefined) {
            one.version++;
            const whitelist = which % 2 === 0 ? 'NEVER' : 'ALLOWED';
            return at(
              event('token', 'updated', one.version, {
                ...start,
                uid: one.uid,
                whitelist,
                status: 'Blocked',
              }),
              now + skew,
            );
          }
          return other(++stations, now + skew);
        }),
      );
    });
  const live = (state: RegistryState) => [...mapOf(state, 'token')].filter(([, one]) => one.state !== null);
  const allOf = (state: RegistryState): Entity[] =>
    Object.values(state.entities).flatMap((one) => [...(one as Map<string, Entity>).values()]);

  test('processes that begin with a snapshot anywhere in the log, one of before this rule too, hold and judge the same', () => {
    fc.assert(
      fc.property(logOf, fc.nat(), (events, where) => {
        const cut = where % events.length;
        const whole = emptyState();
        const former = new Map<string, Entity>();
        for (const one of events.slice(0, cut)) {
          const verdict = evolve(whole, one);
          if (verdict.verdict === 'applied')
            former.set(`${verdict.entity.kind}/${verdict.entity.id}`, verdict.entity);
        }
        const [late, old] = [emptyState(), emptyState()];
        for (const one of allOf(whole).reverse()) put(late, one);
        for (const one of former.values()) put(old, one);
        const rest = events.slice(cut);
        const said = words(feed(whole, rest));
        expect(words(feed(late, rest))).toEqual(said);
        expect(words(feed(old, rest))).toEqual(said);
        expect(late).toEqual(whole);
        expect(new Map(live(old))).toEqual(new Map(live(whole)));
        const last = Date.parse((events.at(-1) as CmsEvent).at);
        for (const state of [whole, old])
          for (const one of mapOf(state, 'token').values())
            if (isOneTimeOnly(one) && one.state === null)
              expect(Date.parse(one.at)).toBeGreaterThan(last - 32 * DAY);
      }),
    );
  });

  test('a copy to try changes on forgets by itself', () => {
    const state = emptyState();
    feed(state, [card, made('W1', 0), gone('W1', 0)]);
    const copy = copyOf(state);
    const later = other(1, 50);
    feed(copy, [later]);
    expect(held(copy)).toBe('04A2B3C4');
    expect(held(state)).toBe('04A2B3C4 W1');
    feed(state, [later]);
    expect(state).toEqual(copy);
  });
});
