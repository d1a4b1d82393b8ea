/** What chargers are told of a token: what they need to end transactions and to keep their caches true. */
import { describe, expect, test } from '@jest/globals';
import { ActiveTransactions, type TransactionStart } from '../charging/active-transactions.js';
import { sessionId2, sessionId16 } from '../charging/session-id.js';
import { tokenHash } from '../charging/token-hash.js';
import type { RespondContext } from './action.js';
import { idTagInfoOf, idTokenInfoOf, type Judgement } from './judgement.js';
import type { Protocol } from './record.js';
import { type Response, respond } from './respond.js';
import { latenessOf } from './start-judgement.js';

const receivedAt = Date.UTC(2026, 10, 26, 10);
const timestamp = '2026-11-26T09:59:59Z';
const expiresAt = Date.UTC(2027, 0, 1);
const single: Judgement = { status: 'Accepted', single: true };

const ask = (
  protocol: Protocol,
  action: string,
  payload: object,
  judgement: Judgement,
  isElsewhere: RespondContext['isElsewhere'] = () => true,
  more: Partial<RespondContext> = {},
): Response & { result: Record<string, unknown> } => {
  const response = respond(JSON.stringify([2, 'id', action, payload]), protocol, {
    ...{ chargePointId: 'CP1', receivedAt, connectedAt: 0, heartbeatSeconds: 300 },
    authorize: () => judgement,
    isElsewhere,
    ...more,
  });
  return { ...response, result: (JSON.parse(response.reply ?? '[]') as Record<string, unknown>[])[2] ?? {} };
};
const start = { connectorId: 2, idTag: 'Tag', meterStart: 2500, timestamp };
const event = (more: object) => ({
  ...{ eventType: 'Started', timestamp, triggerReason: 'Authorized', seqNo: 0 },
  transactionInfo: { transactionId: 't1' },
  idToken: { idToken: 'Tag', type: 'ISO14443' },
  evse: { id: 2, connectorId: 1 },
  ...more,
});

describe('ConcurrentTx is said to a start only', () => {
  test('1.6: StartTransaction, with an id; never Authorize, never StopTransaction', () => {
    const started = ask('ocpp1.6', 'StartTransaction', start, single);
    expect(started.result).toEqual({
      transactionId: expect.any(Number),
      idTagInfo: { status: 'ConcurrentTx' },
    });
    expect(JSON.parse(started.record?.answer as string)).toEqual(started.result);
    expect(ask('ocpp1.6', 'Authorize', { idTag: 'Tag' }, single).result).toEqual({
      idTagInfo: { status: 'Accepted' },
    });
    const stop = { transactionId: 7, meterStop: 9, idTag: 'Tag', timestamp };
    expect(ask('ocpp1.6', 'StopTransaction', stop, single).result).toEqual({
      idTagInfo: { status: 'Accepted' },
    });
  });

  test.each(['ocpp2.0.1', 'ocpp2.1'] as const)(
    '%s: the event that shows the token to begin, and no other',
    (protocol) => {
      const statusOf = (more: object) => {
        const { result } = ask(protocol, 'TransactionEvent', event(more), single);
        return (result.idTokenInfo as { status: string }).status;
      };
      expect(statusOf({})).toBe('ConcurrentTx');
      expect(statusOf({ eventType: 'Updated', seqNo: 1 })).toBe('ConcurrentTx');
      expect(statusOf({ eventType: 'Ended', seqNo: 2 })).toBe('Accepted');
      expect(statusOf({ eventType: 'Updated', seqNo: 2, triggerReason: 'StopAuthorized' })).toBe('Accepted');
      const { idToken } = event({});
      expect(ask(protocol, 'Authorize', { idToken }, single).result).toEqual({
        idTokenInfo: { status: 'Accepted' },
      });
      const button = { idToken: { idToken: '', type: 'NoAuthorization' } };
      expect(statusOf(button)).toBe('Accepted');
    },
  );

  test('whoever is refused for another reason hears that one; whom nobody lists, or who may, is not asked about', () => {
    for (const judgement of [
      { status: 'Blocked', single: true },
      { status: 'Accepted' },
      { status: 'Accepted', single: false },
    ] as const) {
      const asked = ask('ocpp1.6', 'StartTransaction', start, judgement, () => {
        throw new Error('asked');
      });
      expect(asked.result).toMatchObject({ idTagInfo: { status: judgement.status } });
      expect(asked.note).toBeUndefined();
    }
  });
});

describe('the session asked about is the one that the tables will have', () => {
  const asked = (protocol: Protocol, action: string, payload: object): TransactionStart => {
    let found: TransactionStart | undefined;
    ask(protocol, action, payload, single, (one) => {
      found = one;
      return false;
    });
    return found as TransactionStart;
  };

  test('1.6 by transaction, connector and start as sent; 2.x by transaction; the token whatever its case', () => {
    const one = asked('ocpp1.6', 'StartTransaction', start);
    expect(one).toEqual({
      sessionId: sessionId16('CP1', one.transactionId, 2, Date.parse(timestamp)),
      ...{ chargePointId: 'CP1', transactionId: one.transactionId, evseId: 2 },
      ...{ tokenHash: tokenHash('TAG'), at: receivedAt, receivedAt, keptOffline: false, asking: 0 },
    });
    expect(asked('ocpp1.6', 'StartTransaction', { ...start, idTag: 'tAG' })).toEqual(one);
    expect(asked('ocpp2.0.1', 'TransactionEvent', event({ eventType: 'Updated', seqNo: 4 }))).toMatchObject({
      ...{ sessionId: sessionId2('CP1', 't1'), evseId: 2, asking: 4, tokenHash: tokenHash('tag') },
    });
  });

  test('a charger without a clock is judged as of its arrival', () => {
    const one = asked('ocpp1.6', 'StartTransaction', { ...start, timestamp: '1970-01-01T00:00:07Z' });
    expect(one).toMatchObject({ at: receivedAt, sessionId: sessionId16('CP1', one.transactionId, 2, 7_000) });
  });

  test('what a gateway keeps of it ends with the charger’s own words for it', () => {
    const transactions = new ActiveTransactions({ forgetMs: 1e9, limit: 100 });
    const tell = (protocol: Protocol, action: string, payload: object) => {
      const { note, result } = ask(protocol, action, payload, single, (one) => transactions.isElsewhere(one));
      if (note !== undefined) transactions.note(note);
      return result;
    };
    const { transactionId } = tell('ocpp1.6', 'StartTransaction', start);
    const elsewhere = event({ evse: { id: 9 } });
    const statusElsewhere = () => {
      const { idTokenInfo } = tell('ocpp2.0.1', 'TransactionEvent', elsewhere) as {
        idTokenInfo: { status: string };
      };
      return idTokenInfo.status;
    };
    expect(statusElsewhere()).toBe('ConcurrentTx');
    tell('ocpp1.6', 'StopTransaction', { transactionId, meterStop: 9, timestamp });
    elsewhere.transactionInfo.transactionId = 't2';
    expect(statusElsewhere()).toBe('Accepted');
    tell('ocpp2.0.1', 'TransactionEvent', { ...elsewhere, eventType: 'Ended', seqNo: 2, idToken: undefined });
    expect(tell('ocpp1.6', 'StartTransaction', { ...start, connectorId: 3 })).toMatchObject({
      idTagInfo: { status: 'Accepted' },
    });
  });
});

describe('a charger’s clock is believed only about what it kept offline', () => {
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;
  const iso = (at: number): string => new Date(at).toISOString();
  /** As the registry has it: one word until a time, another one from then on. */
  const changed = (before: Judgement['status'], at: number, after: Judgement['status'], more = {}) => ({
    authorize: (_token: string, asOf: number): Judgement => ({
      ...{ single: true, status: asOf < at ? before : after },
      ...more,
    }),
  });
  type Told = { status: string; expiryDate?: string; cacheExpiryDateTime?: string };
  const told = (
    protocol: Protocol,
    sentAt: number,
    more: Partial<RespondContext>,
    fields: object = {},
    isElsewhere: RespondContext['isElsewhere'] = () => false,
  ): Told => {
    const payload =
      protocol === 'ocpp1.6'
        ? { ...start, timestamp: iso(sentAt), ...fields }
        : event({ timestamp: iso(sentAt), ...fields });
    const action = protocol === 'ocpp1.6' ? 'StartTransaction' : 'TransactionEvent';
    const { result } = ask(protocol, action, payload, single, isElsewhere, more);
    return (result.idTagInfo ?? result.idTokenInfo) as Told;
  };
  const connectedAt = receivedAt - 12 * HOUR;
  const back = receivedAt - 1_000;

  test.each(['ocpp1.6', 'ocpp2.0.1'] as const)(
    '%s: who was unblocked ten minutes ago is not locked out where the clock is behind, nor let in who was blocked',
    (protocol) => {
      const at = receivedAt - 10 * MINUTE;
      for (const behind of [20 * MINUTE, HOUR, -20 * MINUTE]) {
        const sentAt = receivedAt - behind;
        expect(told(protocol, sentAt, { connectedAt, ...changed('Blocked', at, 'Accepted') })).toEqual({
          status: 'Accepted',
        });
        expect(told(protocol, sentAt, { connectedAt, ...changed('Accepted', at, 'Blocked') })).toEqual({
          status: 'Blocked',
        });
      }
    },
  );

  test.each(['ocpp1.6', 'ocpp2.0.1'] as const)(
    '%s: whoever ended elsewhere ten minutes ago may begin at a charger whose clock is twenty minutes slow',
    (protocol) => {
      const transactions = new ActiveTransactions({ forgetMs: 1e9, limit: 100 });
      const elsewhere = { chargePointId: 'A', transactionId: 'ta' };
      transactions.note({
        ...{ is: 'begun', accepted: true },
        start: {
          ...{ ...elsewhere, sessionId: sessionId2('A', 'ta'), evseId: 1, tokenHash: tokenHash('TAG') },
          ...{ at: receivedAt - HOUR, receivedAt: receivedAt - HOUR, keptOffline: false, asking: 0 },
        },
      });
      const at = receivedAt - 10 * MINUTE;
      transactions.note({ is: 'ended', ...elsewhere, at, receivedAt: at });
      const isElsewhere = (one: TransactionStart) => transactions.isElsewhere(one);
      const slow = receivedAt - 20 * MINUTE;
      expect(told(protocol, slow, { connectedAt }, {}, isElsewhere).status).toBe('Accepted');
      // Kept offline, it was a second one at the time.
      expect(told(protocol, slow, { connectedAt: back }, { offline: true }, isElsewhere).status).toBe(
        'ConcurrentTx',
      );
    },
  );

  test('1.6 kept it offline if it is older than the connection; 2.x if it says so', () => {
    const at = { sentAt: receivedAt - 90 * MINUTE };
    const late = (protocol: Protocol, begins: { sentAt: number; offline?: boolean }, since = back) =>
      latenessOf(begins, { protocol, connectedAt: since, receivedAt });
    expect(late('ocpp1.6', at)).toBe('kept offline');
    expect(late('ocpp1.6', at, connectedAt)).toBe('prompt');
    expect(late('ocpp1.6', { sentAt: back - 1 })).toBe('kept offline');
    expect(late('ocpp2.1', { sentAt: receivedAt + 90 * MINUTE, offline: true })).toBe('prompt');
    expect(late('ocpp1.6', { sentAt: 0 })).toBe('prompt');
    expect(late('ocpp1.6', { sentAt: Number.NaN })).toBe('prompt');
    expect(late('ocpp2.1', at)).toBe('prompt');
    expect(late('ocpp2.1', { ...at, offline: true }, connectedAt)).toBe('kept offline');
    // Two hours to the second: late, or another time zone.
    expect(late('ocpp1.6', { sentAt: receivedAt - 2 * HOUR })).toBe('unclear');
    expect(late('ocpp2.1', { sentAt: receivedAt - 2 * HOUR, offline: true })).toBe('kept offline');
  });

  test('where it was late or in another time zone, whoever would be welcome by one may charge', () => {
    const sentAt = receivedAt - 2 * HOUR;
    const at = receivedAt - HOUR;
    expect(told('ocpp1.6', sentAt, { connectedAt: back, ...changed('Blocked', at, 'Accepted') })).toEqual({
      status: 'Accepted',
    });
    expect(told('ocpp1.6', sentAt, { connectedAt: back, ...changed('Accepted', at, 'Blocked') })).toEqual({
      ...{ status: 'Accepted', expiryDate: iso(receivedAt) },
    });
  });

  describe('a card that was blocked since does not stay in the Authorization Cache', () => {
    // Started at 8:30, stopped at 8:45, blocked at 9:00, delivered at 10:00.
    const blocked = changed('Accepted', receivedAt - HOUR, 'Blocked', { expiresAt });
    const sentAt = receivedAt - 90 * MINUTE;

    test('1.6 section 4.8: a late start has the status of its time, and leaves the cache at once', () => {
      const response = ask(
        ...(['ocpp1.6', 'StartTransaction', { ...start, timestamp: iso(sentAt) }] as const),
        ...([single, () => false, { connectedAt: back, ...blocked }] as const),
      );
      expect(response.result.idTagInfo).toEqual({ status: 'Accepted', expiryDate: iso(receivedAt) });
      expect(JSON.parse(response.record?.answer as string)).toEqual(response.result);
    });

    test('1.6 section 4.10: a late stop says what the card is worth now', () => {
      const stop = { transactionId: 7, meterStop: 9, idTag: 'Tag', timestamp: iso(sentAt + 15 * MINUTE) };
      const { result } = ask('ocpp1.6', 'StopTransaction', stop, single, undefined, blocked);
      expect(result.idTagInfo).toMatchObject({ status: 'Blocked' });
    });

    test('2.x C10: a late Started as in 1.6; Ended, and a card shown to end, as of now', () => {
      const late = (fields: object) => told('ocpp2.0.1', sentAt, blocked, { offline: true, ...fields });
      expect(late({})).toEqual({ status: 'Accepted', cacheExpiryDateTime: iso(receivedAt) });
      expect(late({ eventType: 'Ended', seqNo: 2 })).toMatchObject({ status: 'Blocked' });
      expect(late({ eventType: 'Updated', seqNo: 1, triggerReason: 'StopAuthorized' })).toMatchObject({
        status: 'Blocked',
      });
    });

    test('nor stays one blocked that was unblocked since; one that stands as before keeps the end it has now', () => {
      const unblocked = changed('Blocked', receivedAt - HOUR, 'Accepted');
      expect(told('ocpp1.6', sentAt, { connectedAt: back, ...unblocked })).toEqual({
        ...{ status: 'Blocked', expiryDate: iso(receivedAt) },
      });
      const shortened = (_token: string, asOf: number): Judgement => ({
        ...{ status: 'Accepted', expiresAt: asOf < receivedAt - HOUR ? undefined : expiresAt },
      });
      expect(told('ocpp1.6', sentAt, { connectedAt: back, authorize: shortened })).toEqual({
        ...{ status: 'Accepted', expiryDate: iso(expiresAt) },
      });
    });
  });
});

describe('expiry and group are told wherever a token was shown', () => {
  const rich: Judgement = { status: 'Accepted', expiresAt, group: 'FAMILY', language: 'nl' };

  test('1.6 sections 4.1, 4.8 and 4.10: parentIdTag lets a member of the group stop', () => {
    const idTagInfo = {
      ...{ status: 'Accepted', expiryDate: '2027-01-01T00:00:00.000Z', parentIdTag: 'FAMILY' },
    };
    for (const [action, payload] of [
      ['Authorize', { idTag: 'Tag' }],
      ['StartTransaction', start],
      ['StopTransaction', { transactionId: 7, meterStop: 9, idTag: 'Tag', timestamp }],
    ] as const)
      expect(ask('ocpp1.6', action, payload, rich).result).toMatchObject({ idTagInfo });
  });

  test('2.0.1 C09.FR.02: groupIdToken, of type Central; no cost', () => {
    const idTokenInfo = {
      status: 'Accepted',
      cacheExpiryDateTime: '2027-01-01T00:00:00.000Z',
      groupIdToken: { idToken: 'FAMILY', type: 'Central' },
      language1: 'nl',
    };
    expect(ask('ocpp2.0.1', 'Authorize', { idToken: event({}).idToken }, rich).result).toEqual({
      idTokenInfo,
    });
    expect(ask('ocpp2.0.1', 'TransactionEvent', event({}), rich).result).toEqual({ idTokenInfo });
  });

  test('a group that the version has no room for is left out whole', () => {
    const long = { ...rich, group: 'G'.repeat(37) };
    expect(idTagInfoOf({ ...rich, group: 'G'.repeat(21) })).not.toHaveProperty('parentIdTag');
    expect(idTokenInfoOf(long, 'ocpp2.0.1')).not.toHaveProperty('groupIdToken');
    expect(idTokenInfoOf(long, 'ocpp2.1')).toMatchObject({ groupIdToken: { idToken: long.group } });
  });
});
