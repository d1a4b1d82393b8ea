/** What a customer is told of a start or stop. Told wrongly, somebody pays for another's car, or drives away uncharged. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChargingEventMessage, ChargingRequested, SessionView } from '../messages/charging-events.js';
import { type ChargingRequest, evolveRequest, overdue, tidingsOf } from './request.js';

const ID = 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12';
const SESSION = '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f';
const at = '2026-11-25T12:00:00.000Z';
const requested: ChargingRequested = {
  id: `${ID}:requested:x`,
  schema: 1,
  at,
  type: 'charging.requested',
  chargePointId: 'CP-1',
  accountId: 'ac-1',
  stationId: 'st-1',
  requestId: ID,
  kind: 'start',
  evseId: 1,
  connectorId: 1,
  sessionId: null,
  idTokenHash: 'abcdef0123456789',
  remoteStartId: 17,
  deadline: '2026-11-25T12:03:00.000Z',
  digest: 'd',
  actor: 'account:ac-1',
};
const step = (name: string, more: object = {}): ChargingEventMessage =>
  ({
    id: `${ID}:${name}`,
    schema: 1,
    at,
    type: `command.${name}`,
    chargePointId: 'CP-1',
    commandId: ID,
    ...more,
  }) as never;
const sent = step('sent');
const accepted = step('accepted', { status: 'Accepted', response: {} });
const rejected = step('rejected', { status: 'Rejected', response: {} });
const session = (more: Partial<SessionView> = {}, type = 'session.started'): ChargingEventMessage =>
  ({
    id: 's',
    schema: 1,
    at,
    type,
    chargePointId: 'CP-1',
    version: 1,
    previous: null,
    session: {
      sessionId: SESSION,
      chargePointId: 'CP-1',
      transactionId: '7',
      status: 'active',
      authStatus: 'Accepted',
      remoteStartId: null,
      idTokenHash: 'abcdef0123456789',
      ...more,
    },
  }) as never;
const fold = (...events: ChargingEventMessage[]): ChargingRequest =>
  events.reduce<ChargingRequest | undefined>(evolveRequest, undefined) as ChargingRequest;
const late = (request: ChargingRequest) => overdue(request, Date.parse('2026-11-25T12:05:00.000Z'));

describe('a start', () => {
  test('accepted by the charger is not started: nobody has plugged in', () => {
    const request = fold(requested, sent, accepted);
    expect(request).toMatchObject({ state: 'accepted', sessionId: null });
    expect(tidingsOf(request, 0)).toBeUndefined();
  });
  test.each([
    ['its one-time token (1.6)', {}],
    ['its remoteStartId (2.x)', { idTokenHash: '', remoteStartId: 17 }],
  ])('begins with the session that shows %s', (_how, more) => {
    const request = fold(requested, accepted, session(more));
    expect(request).toMatchObject({ state: 'started', sessionId: SESSION, isTold: false });
    expect(tidingsOf(request, 0)).toMatchObject({ type: 'charging.started', id: `${ID}:started` });
  });
  test.each([
    ['another token', { idTokenHash: 'ffff' }],
    ['no token at all', { idTokenHash: '' }],
    ['another number', { idTokenHash: '', remoteStartId: 18 }],
    ['the same number at another charger', { chargePointId: 'CP-2', remoteStartId: 17 }],
    ['a token that the charger was told not to charge for', { authStatus: 'Blocked' }],
  ])('does not begin with a session of %s', (_whose, more) => {
    expect(fold(requested, accepted, session(more)).state).toBe('accepted');
  });
  test('no request has no session: an empty hash matches nothing', () => {
    const bare = { ...requested, idTokenHash: '', remoteStartId: null };
    expect(fold(bare, accepted, session({ idTokenHash: '' })).state).toBe('accepted');
  });
  test.each([
    ['refused', [sent, rejected], 'REJECTED_BY_CHARGER'],
    [
      'a CALLERROR',
      [sent, step('failed', { code: 'NotSupported', description: '', details: {} })],
      'REJECTED_BY_CHARGER',
    ],
    ['away', [step('offline', { detail: '' })], 'CHARGER_OFFLINE'],
    [
      'overdue before it was written',
      [step('timed-out', { delivery: 'not-delivered', detail: '' })],
      'NOT_SENT',
    ],
  ])('%s: failed, with the reason', (_what, steps, code) => {
    expect(fold(requested, ...steps)).toMatchObject({ state: 'failed', failure: { code } });
  });
  test('silence of the charger decides nothing: it may begin all the same, until the time is up', () => {
    const silent = fold(requested, sent, step('timed-out', { delivery: 'delivery-unknown', detail: '' }));
    expect(silent.state).toBe('requested');
    expect(late(silent)).toMatchObject({ code: 'CONNECTION_TIMEOUT' });
    expect(evolveRequest(silent, session())).toMatchObject({ state: 'started' });
  });
  test('what never came to its command was not sent, and says so', () => {
    expect(late(fold(requested))).toMatchObject({ code: 'NOT_SENT' });
  });
  test('the first in the log counts: a session before the time-out, or the time-out before the session', () => {
    const timeout = late(fold(requested, accepted));
    expect(fold(requested, accepted, session(), timeout)).toMatchObject({ state: 'started', isTold: false });
    expect(fold(requested, accepted, timeout, session())).toMatchObject({ state: 'failed', isTold: true });
  });
  test('of two claims on one key the first in the log stands', () => {
    expect(fold(requested, { ...requested, id: 'other', digest: 'e' }).requested.digest).toBe('d');
  });
});

describe('a stop', () => {
  const stop: ChargingRequested = {
    ...requested,
    kind: 'stop',
    sessionId: SESSION,
    idTokenHash: '',
    remoteStartId: null,
  };
  test('is done when the session has ended, not when the charger says yes', () => {
    const going = fold(stop, accepted, session({}, 'session.updated'));
    expect(going.state).toBe('accepted');
    const ended = evolveRequest(
      going,
      session({ status: 'completed' }, 'session.stopped'),
    ) as ChargingRequest;
    expect(tidingsOf(ended, 0)).toMatchObject({ type: 'charging.stopped', sessionId: SESSION });
    expect(late(going)).toMatchObject({ code: 'STOP_TIMEOUT' });
  });
  test('another session of the charger that ends is none of its business', () => {
    expect(fold(stop, accepted, session({ sessionId: ID, status: 'completed' })).state).toBe('accepted');
  });
});

test('repeats change nothing, whatever came before them', () => {
  const started = tidingsOf(fold(requested, session()), 0) as ChargingEventMessage;
  const all = [requested, sent, accepted, rejected, session(), started, late(fold(requested, accepted))];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...all), { maxLength: 12 }), (events) => {
      const once = fold(requested, ...events);
      for (const event of events) expect(evolveRequest(once, event)?.state).toBe(once.state);
    }),
  );
});
