import { beforeEach, describe, expect, test } from '@jest/globals';
import type { CmsEvent, EntityKind } from '../domain/messages/cms-events.js';
import { evolve } from '../domain/registry/evolve.js';
import {
  copyOf,
  emptyState,
  isLive,
  type Live,
  lookUp,
  type RegistryState,
} from '../domain/registry/state.js';
import { examples } from '../domain/registry/testing/examples.js';
import { START_ISSUER } from '../domain/registry/token.js';
import { directoryOf } from './directory.js';
import type { ChargePointDirectory } from './ports.js';
import { registrySource } from './source.js';
import { staticSource } from './static.js';

const day = (number: number): string => new Date(Date.UTC(2026, 4, number)).toISOString();
const time = (number: number): number => Date.parse(day(number));

let state: RegistryState;
let serial = 0;
/** Puts an entity as of a day; null deletes it. */
function put(kind: EntityKind, on: number, entity: Record<string, unknown> | null, id?: string): void {
  const entityId = id ?? String(entity?.id ?? String(entity?.uid).toUpperCase());
  const before = lookUp(state, kind, entityId);
  const change = entity === null ? 'deleted' : isLive(before) ? 'updated' : 'created';
  const event: CmsEvent = {
    id: `e${++serial}`,
    schema: 1,
    at: day(on),
    type: `cms.${kind}.${change}`,
    kind,
    entityId,
    version: (before?.version ?? 0) + 1,
    actor: 'test',
    state: entity,
  };
  const verdict = evolve(state, event);
  if (verdict.verdict === 'void') throw new Error(`${verdict.reason}: ${verdict.detail}`);
}
const { station, point, tariff, token, account } = examples;
const withTariffs = (...tariffs: (string | undefined)[]) => ({
  ...point,
  evses: [
    {
      evseId: 1,
      connectors: tariffs.map((id, index) => ({
        ...point.evses[0]!.connectors[0]!,
        connectorId: index + 1,
        tariff: id,
      })),
    },
  ],
});

describe('the registry answers gateways', () => {
  let directory: ChargePointDirectory;
  const replica = {
    get state() {
      return state;
    },
    get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
      const entity = lookUp(state, kind, id);
      return isLive(entity) ? entity : undefined;
    },
  };
  const tariffAt = (on: number, outlet: object | undefined = { connectorId: 1 }, uid?: string) =>
    directory.enrich('CP-1', outlet, uid === undefined ? undefined : { token: uid }, time(on)).tariff;

  beforeEach(() => {
    state = emptyState();
    put('station', 1, { ...station });
    put('station', 1, { ...station, id: 'st-2' });
    for (const id of ['day', 'night', 'fleet']) put('tariff', 1, { ...tariff, id });
    put('account', 1, { ...account });
    directory = directoryOf([registrySource(replica)], { acceptUnknown: false });
  });

  test('who may connect, and with what; nobody who was taken down', () => {
    put('point', 2, { ...point, account: 'ac-1', meterKeys: ['ab'] });
    expect(directory.find('CP-1')).toEqual({
      id: 'CP-1',
      securityProfile: 1,
      passwordHash: point.passwordHash,
      certificateCommonName: 'SN-0042',
      station: 'st-1',
      account: 'ac-1',
      meterKeys: ['ab'],
    });
    expect(directory.find('cp-1')).toBeUndefined();
    put('point', 3, null, 'CP-1');
    expect(directory.find('CP-1')).toBeUndefined();
  });

  test('a frame that comes late gets the tariff version that was valid at its time', () => {
    put('point', 2, withTariffs('day'));
    put('tariff', 10, { ...tariff, currency: 'DKK' });
    put('tariff', 20, { ...tariff, currency: 'SEK' });
    expect([5, 10, 15, 25].map((on) => tariffAt(on))).toEqual(['day@1', 'day@2', 'day@2', 'day@3']);
  });

  test('and the station, account and outlets of its time', () => {
    put('point', 2, { ...withTariffs('day'), account: 'ac-1' });
    put('point', 10, { ...withTariffs('night'), station: 'st-2' });
    const at = (on: number) => directory.enrich('CP-1', { connectorId: 1 }, undefined, time(on));
    expect(at(5)).toEqual({ station: 'st-1', account: 'ac-1', tariff: 'day@1' });
    expect(at(12)).toEqual({ station: 'st-2', tariff: 'night@1' });
    // Nothing but its first registration has ever been known of the time before that.
    expect(at(1)).toMatchObject({ station: 'st-1' });
  });

  test('a price is not changed backwards, and can be announced ahead', () => {
    put('point', 2, withTariffs('day'));
    put('tariff', 10, { ...tariff, start_date_time: day(5) });
    put('tariff', 11, { ...tariff, start_date_time: day(20) });
    expect([7, 10, 15, 20].map((on) => tariffAt(on))).toEqual(['day@1', 'day@2', 'day@2', 'day@3']);
    // What was planned is overruled by what begins before it.
    put('tariff', 12, { ...tariff, currency: 'DKK' });
    expect([11, 15, 25].map((on) => tariffAt(on))).toEqual(['day@2', 'day@4', 'day@4']);
  });

  test('before its first version and after its end a tariff has no price: unknown, never another one', () => {
    put('tariff', 10, { ...tariff, id: 'new', end_date_time: day(20) });
    put('point', 10, { ...withTariffs('new'), tariff: undefined });
    expect([5, 15, 20].map((on) => tariffAt(on))).toEqual([undefined, 'new@1', undefined]);
    put('tariff', 10, { ...tariff, id: 'older', start_date_time: day(4) });
    put('point', 10, withTariffs('older'));
    expect(tariffAt(5)).toBeUndefined();
    expect(tariffAt(11)).toBe('older@1');
  });

  test('OCPP 2.x names EVSE and connector, 1.6 counts connectors through', () => {
    const [first] = withTariffs('day', 'night').evses;
    const [second] = withTariffs('fleet').evses;
    put('point', 2, { ...point, tariff: 'day', evses: [first, { ...second, evseId: 2 }] });
    expect(tariffAt(3, { evseId: 1, connectorId: 2 })).toBe('night@1');
    expect(tariffAt(3, { evseId: 2 })).toBe('fleet@1');
    expect([1, 2, 3].map((connectorId) => tariffAt(3, { connectorId }))).toEqual([
      'day@1',
      'night@1',
      'fleet@1',
    ]);
    // Two prices on one EVSE, and it does not say which: none is certain.
    expect(tariffAt(3, { evseId: 1 })).toBeUndefined();
    expect(tariffAt(3, { connectorId: 9 })).toBe('day@1');
    expect(tariffAt(3, undefined)).toBe('day@1');
  });

  test('1.6 numbers that are given stand before counting', () => {
    const { evses } = withTariffs('day', 'night');
    const connectors = evses[0]!.connectors.map((one, index) => ({ ...one, ocpp16ConnectorId: 2 - index }));
    put('point', 2, { ...point, evses: [{ evseId: 1, connectors }] });
    expect([1, 2].map((connectorId) => tariffAt(3, { connectorId }))).toEqual(['night@1', 'day@1']);
  });

  test('the token’s tariff comes before the outlet’s; its account after the charging point’s own', () => {
    put('point', 2, withTariffs('day'));
    put('token', 2, { ...token, tariff: 'fleet' });
    const enriched = directory.enrich('CP-1', { connectorId: 1 }, { token: '04a2b3c4' }, time(3));
    expect(enriched).toEqual({ station: 'st-1', account: 'ac-1', tariff: 'fleet@1' });
  });

  test('tokens: whatever the case; blocked, expired and unknown ones at the time of the event', () => {
    put('token', 2, { ...token, expiresAt: day(20) });
    const on = (number: number, uid = '04a2B3c4') => directory.authorize(uid, time(number)).status;
    expect([on(5), on(19), on(20)]).toEqual(['Accepted', 'Accepted', 'Expired']);
    put('token', 10, { ...token, status: 'Blocked' });
    expect([on(5), on(10)]).toEqual(['Accepted', 'Blocked']);
    expect(on(5, 'NOBODY')).toBe('Invalid');
    put('token', 12, null, '04A2B3C4');
    expect([on(5), on(11), on(12)]).toEqual(['Accepted', 'Blocked', 'Invalid']);
    // Time unknown: as it stands now.
    expect(directory.authorize('04A2B3C4', Number.NaN).status).toBe('Invalid');
  });

  test('the token of a start that is gone is judged as of the frame’s time, a week long; then it is unknown', () => {
    const start = {
      ...token,
      uid: 'W1',
      type: 'AD_HOC_USER',
      issuer: 'wattstream start',
      whitelist: 'NEVER',
    };
    put('token', 2, { ...token });
    put('token', 2, start);
    put('token', 4, null, 'W1');
    const on = (number: number) => directory.authorize('W1', time(number));
    const enriched = () => directory.enrich('CP-1', { connectorId: 1 }, { token: 'W1' }, time(3)).account;
    put('station', 11, { ...station, name: 'later' });
    expect([on(3).status, on(5).status, enriched()]).toEqual(['Accepted', 'Invalid', 'ac-1']);
    put('station', 14, { ...station, name: 'after more than a week' });
    expect(on(3).status).toBe('Invalid');
  });

  test('what is said of a parent group or of an account is said of its tokens', () => {
    put('token', 2, { ...token, uid: 'PARENT', account: undefined });
    put('token', 2, { ...token, group_id: 'parent' });
    expect(directory.authorize(token.uid, time(3)).status).toBe('Accepted');
    put('token', 4, { ...token, uid: 'PARENT', account: undefined, status: 'Blocked' });
    expect([3, 5].map((on) => directory.authorize(token.uid, time(on)).status)).toEqual([
      'Accepted',
      'Blocked',
    ]);
    put('token', 6, { ...token });
    put('account', 8, { ...account, disabled: true });
    expect([7, 9].map((on) => directory.authorize(token.uid, time(on)).status)).toEqual([
      'Accepted',
      'Blocked',
    ]);
  });

  test('what chargers are told: the end that comes first, the group and the language', () => {
    put('token', 2, { ...token, uid: 'PARENT', account: undefined, expiresAt: day(10) });
    put('token', 2, { ...token, group_id: 'Parent', language: 'nl', expiresAt: day(20) });
    const told = { expiresAt: time(10), group: 'Parent', language: 'nl' };
    expect(directory.authorize(token.uid.toLowerCase(), time(3))).toMatchObject({
      status: 'Accepted',
      ...told,
    });
    expect(directory.authorize(token.uid, time(11))).toMatchObject({ status: 'Expired', ...told });
  });

  test('a listed token is in one transaction at a time, unless it may be in several, or all may; a stranger always', () => {
    put('token', 2, { ...token });
    put('token', 5, { ...token, concurrent: true });
    const on = (number: number) => directory.authorize(token.uid, time(number)).single;
    expect([on(3), on(6)]).toEqual([true, false]);
    const all = directoryOf([registrySource(replica)], { acceptUnknown: true, allowConcurrent: true });
    expect(all.authorize(token.uid, time(3)).single).toBe(false);
    expect(all.authorize('NOBODY', time(3))).toEqual({ status: 'Accepted' });
  });

  test('the file comes first, and what it does not know is asked of the registry', () => {
    put('point', 2, withTariffs('day'));
    put('token', 2, { ...token });
    const file = staticSource({
      chargePoints: [{ id: 'CP-1', securityProfile: 0, station: 'of the file' }],
      tokens: [{ token: 'FILE', account: 'of-the-file' }],
    });
    const both = directoryOf([file, registrySource(replica)], { acceptUnknown: false });
    expect(both.find('CP-1')).toMatchObject({ securityProfile: 0 });
    expect(both.enrich('CP-1', { connectorId: 1 }, { token: token.uid }, time(3))).toEqual({
      station: 'of the file',
      account: 'ac-1',
    });
    expect(both.authorize('file', time(3)).status).toBe('Accepted');
    expect(both.authorize(token.uid, time(3)).status).toBe('Accepted');
    expect(both.authorize('NOBODY', time(3)).status).toBe('Invalid');
  });

  test('where nobody lists any token, everybody may charge; with strangers welcome too', () => {
    expect(directory.authorize('NOBODY', time(3)).status).toBe('Accepted');
    put('token', 2, { ...token });
    expect(directory.authorize('NOBODY', time(3)).status).toBe('Invalid');
    const open = directoryOf([registrySource(replica)], { acceptUnknown: true });
    expect(open.authorize('NOBODY', time(3)).status).toBe('Accepted');
  });

  test('a customer who starts by app does not lock out the cards of a site that lists none, then or afterwards', () => {
    const made = {
      uid: 'W0123456789ABCDEFGHJ',
      type: 'AD_HOC_USER',
      account: 'ac-1',
      issuer: START_ISSUER,
      whitelist: 'NEVER',
    };
    const card = () => directory.authorize('CARD', time(9)).status;
    put('token', 2, { ...token, ...made });
    expect(card()).toBe('Accepted');
    put('token', 3, null, made.uid);
    expect(card()).toBe('Accepted');
    // Nor does a card that was kept once, when the last one has gone (but itself); each counts once, whatever changes.
    put('token', 4, { ...token });
    put('token', 5, { ...token, status: 'Blocked' });
    expect(card()).toBe('Invalid');
    put('token', 6, null, '04A2B3C4');
    expect(card()).toBe('Accepted');
    expect(directory.authorize('04A2B3C4', time(9)).status).toBe('Invalid');
    put('token', 7, { ...token });
    expect(card()).toBe('Invalid');
    expect(copyOf(state).keptTokens).toEqual(new Set(['04A2B3C4']));
  });

  test('a start that the customer was told has failed is refused when it comes after all, wherever strangers may charge', () => {
    const uid = 'W0123456789ABCDEFGHJ';
    const made = { type: 'AD_HOC_USER', issuer: START_ISSUER, whitelist: 'NEVER' };
    put('token', 2, { ...token, ...made, uid, account: 'ac-1' });
    put('token', 4, null, uid);
    const open = directoryOf([registrySource(replica)], { acceptUnknown: true });
    for (const one of [directory, open])
      expect([3, 5].map((on) => one.authorize(uid, time(on)).status)).toEqual(['Accepted', 'Invalid']);
  });
});
