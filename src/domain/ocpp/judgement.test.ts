/** What chargers are told of a token: what they need to end transactions and to keep their caches true. */
import { describe, expect, test } from '@jest/globals';
import { ActiveTransactions, type TransactionStart } from '../charging/active-transactions.js';
import { sessionId2, sessionId16 } from '../charging/session-id.js';
import { tokenHash } from '../charging/token-hash.js';
import type { RespondContext } from './action.js';
import { idTagInfoOf, idTokenInfoOf, type Judgement } from './judgement.js';
import type { Protocol } from './record.js';
import { type Response, respond } from './respond.js';

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
): Response & { result: Record<string, unknown> } => {
  const response = respond(JSON.stringify([2, 'id', action, payload]), protocol, {
    ...{ chargePointId: 'CP1', receivedAt, heartbeatSeconds: 300 },
    authorize: () => judgement,
    isElsewhere,
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
      ...{ tokenHash: tokenHash('TAG'), at: Date.parse(timestamp), receivedAt, asking: 0 },
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
