import { describe, expect, test } from '@jest/globals';
import { ENTITY_KINDS } from '../../domain/messages/cms-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import type { Principal } from '../auth/principal.js';
import { mayJoin, roomName, roomsOf } from './rooms.js';
import { chargerNews, sessionNews } from './testing/messages.js';

const stationOf = (id: string) => ({ 'CP-1': 'st-1', 'CP-2': 'st-2' })[id];

describe('who may be where: every principal, every room', () => {
  const principals: Record<string, Principal> = {
    admin: { id: 'a', role: 'admin', stations: null },
    operator: { id: 'o', role: 'operator', stations: null },
    'operator of st-1': { id: 'o1', role: 'operator', stations: ['st-1'] },
    'operator of nothing': { id: 'o0', role: 'operator', stations: [] },
    'admin of st-1': { id: 'a1', role: 'admin', stations: ['st-1'] },
    analyst: { id: 'an', role: 'analyst', stations: null },
    'customer ac-1': { id: 'c', role: 'customer', accountId: 'ac-1', stations: null },
    'customer without account': { id: 'c0', role: 'customer', stations: null },
  };
  const rooms = [
    'operator',
    'station:st-1',
    'station:st-2',
    'charger:CP-1',
    'charger:CP-2',
    'charger:CP-nowhere',
    'user:ac-1',
    'user:ac-2',
  ];
  const expected: Record<string, string[]> = {
    admin: rooms,
    operator: rooms.filter((room) => !room.startsWith('user:')),
    'operator of st-1': ['station:st-1', 'charger:CP-1'],
    'operator of nothing': [],
    'admin of st-1': ['station:st-1', 'charger:CP-1'],
    analyst: [],
    'customer ac-1': ['user:ac-1'],
    'customer without account': [],
  };
  test.each(Object.keys(principals))('%s', (name) => {
    const allowed = rooms.filter((room) => mayJoin(principals[name] as Principal, room, stationOf));
    expect(allowed).toEqual(expected[name]);
  });
});

test.each(['operator', 'station:a b', 'charger:CP:1', 'user:ü'])('%s is a room', (room) => {
  expect(roomName.safeParse(room).success).toBe(true);
});
test.each([
  '',
  'operator:x',
  'station:',
  'charger',
  'sockets',
  'user:a\nb',
  `user:${'x'.repeat(400)}`,
  'toString',
])('%j is none: nobody hears what is said among the others by making one up', (room) => {
  expect(roomName.safeParse(room).success).toBe(false);
});

test('a notification is shown to everybody it concerns', () => {
  expect(roomsOf(sessionNews('session.started', { stationId: 'st-1', accountId: 'ac-1' }))).toEqual([
    'operator',
    'station:st-1',
    'charger:CP-1',
    'user:ac-1',
  ]);
  expect(roomsOf(chargerNews('charger.online'))).toEqual(['operator', 'charger:CP-1']);
});

describe('changes of the registry', () => {
  const change = (kind: (typeof ENTITY_KINDS)[number], audience: Notification['audience']) =>
    roomsOf({
      audience,
      event: {
        id: 'e',
        schema: 1,
        at: '2026-11-25T12:00:00.000Z',
        type: `cms.${kind}.updated`,
        kind,
        entityId: 'x',
        version: 2,
        actor: 'eve',
        state: {},
      },
    });

  test.each(['station', 'point', 'outage'] as const)("a %s's is told at its station too", (kind) => {
    expect(change(kind, { stationId: 'st-1', accountId: null })).toEqual(['operator', 'station:st-1']);
  });

  test.each(ENTITY_KINDS)('a %s is shown to no customer, even where the message names one', (kind) => {
    const rooms = change(kind, { stationId: 'st-1', accountId: 'ac-1' });
    expect(rooms.filter((room) => room.startsWith('user:'))).toEqual([]);
  });

  test.each(ENTITY_KINDS.filter((kind) => !['station', 'point', 'outage'].includes(kind)))(
    '%s: people, prices, webhooks and keys are for operators of all stations',
    (kind) => {
      expect(change(kind, { stationId: 'st-1', accountId: 'ac-1' })).toEqual(['operator']);
    },
  );
});
