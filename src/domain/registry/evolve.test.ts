import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CmsEvent, EntityKind } from '../messages/cms-events.js';
import { evolve, judge, type Verdict } from './evolve.js';
import { type Change, emptyState, lookUp, type RegistryState } from './state.js';
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
