import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { simulate } from '../fleet.js';
import { rushHour } from '../scenarios/rush-hour.js';
import { HOUR, START, Stage, saidBy } from '../testing/stage.js';
import type { Scenario } from './behaviour.js';

jest.setTimeout(30_000);
const stage = new Stage();
afterEach(() => stage.close());

describe('a charger and its server', () => {
  const calm: Scenario = { ...rushHour, name: 'calm', sampleSeconds: 60 };
  const one = { chargers: 1, scenario: calm, durationMs: HOUR / 2, version: '1.6' as const };

  it('says nothing but BootNotification until it is accepted, and waits the interval it was given', async () => {
    let boots = 0;
    await stage.run(
      { ...one, chargers: 3, version: 'mixed' },
      {
        answer: ({ action }) =>
          action === 'BootNotification' && boots++ < 6
            ? {
                status: boots < 4 ? 'Rejected' : 'Pending',
                interval: 30,
                currentTime: new Date(START).toISOString(),
              }
            : undefined,
      },
    );
    for (const id of ['SIM-0001', 'SIM-0002', 'SIM-0003']) {
      const actions = stage.csms.of(id).map(({ action }) => action);
      const accepted = actions.lastIndexOf('BootNotification');
      expect(accepted).toBeGreaterThan(0);
      expect(new Set(actions.slice(0, accepted + 1))).toEqual(new Set(['BootNotification']));
      expect(actions.length).toBeGreaterThan(accepted + 5);
    }
  });

  it('beats as often as the server asked', async () => {
    await stage.run(
      { ...one, durationMs: HOUR },
      {
        answer: ({ action }) =>
          action === 'BootNotification'
            ? { status: 'Accepted', interval: 600, currentTime: new Date(START).toISOString() }
            : undefined,
      },
    );
    expect(stage.csms.of('SIM-0001', 'Heartbeat')).toHaveLength(5);
  });

  it.each(['1.6', '2.0.1'] as const)('%s: charges nobody whose token is refused', async (version) => {
    const refused =
      version === '1.6' ? { idTagInfo: { status: 'Blocked' } } : { idTokenInfo: { status: 'Blocked' } };
    const ledger = await stage.run(
      { ...one, version, chargers: 4 },
      { answer: ({ action }) => (action === 'Authorize' ? refused : undefined) },
    );
    expect(stage.csms.received.filter(({ action }) => action === 'Authorize').length).toBeGreaterThan(4);
    expect(ledger.sessionList().every(({ energyWh }) => energyWh === 0)).toBe(true);
    expect(stage.csms.received.some(({ action }) => action === 'StartTransaction')).toBe(false);
  });

  it('stops at once, DeAuthorized, when the start itself is answered with a refusal', async () => {
    const ledger = await stage.run(one, {
      answer: ({ action }) =>
        action === 'StartTransaction'
          ? { transactionId: 5, idTagInfo: { status: 'ConcurrentTx' } }
          : undefined,
    });
    const [session] = ledger.sessionList();
    expect(session).toMatchObject({
      stopReason: 'DeAuthorized',
      authStatus: 'ConcurrentTx',
      energyWh: 0,
      closed: true,
    });
  });

  it('tries a refused transaction frame three times, further apart each time, then discards it and goes on', async () => {
    const ledger = await stage.run(one, {
      answer: ({ action }) => (action === 'StopTransaction' ? { callError: 'InternalError' } : undefined),
    });
    const stops = ledger.frames.filter(({ action }) => action === 'StopTransaction');
    expect(stops.length).toBeGreaterThan(0);
    for (const stop of stops)
      expect(stop).toMatchObject({ transmissions: 3, discarded: true, answers: [], errors: { length: 3 } });
    for (const session of ledger.sessionList())
      expect(session).toMatchObject({ closed: true, discarded: { length: 1 } });
    expect(ledger.counts.discarded).toBe(stops.length);
  });

  it('takes silence for a dead line: reconnects and sends the same frame until it is answered, discarding nothing', async () => {
    const silent = new Map<string, number>();
    const ledger = await stage.run(
      { ...one, answerTimeoutMs: 60 },
      {
        answer: ({ action, messageId }) => {
          if (action !== 'StopTransaction') return undefined;
          const times = (silent.get(messageId) ?? 0) + 1;
          silent.set(messageId, times);
          return times <= 4 ? 'silence' : undefined;
        },
      },
    );
    const stops = ledger.frames.filter(({ action }) => action === 'StopTransaction');
    expect(stops.length).toBeGreaterThan(0);
    for (const stop of stops)
      expect(stop).toMatchObject({ transmissions: 5, discarded: false, answers: { length: 1 } });
    expect(ledger.counts.timeouts).toBe(4 * stops.length);
  });

  it('keeps trying a server that is not there yet, and tells the same story afterwards', async () => {
    const plain = await stage.run({ ...one, chargers: 4 });
    const late = await stage.run(
      { ...one, chargers: 4 },
      { refuse: (_, attempt) => (attempt <= 3 ? 503 : undefined) },
    );
    expect(late.counts).toMatchObject({ refusals: 12, connects: 4 });
    expect(saidBy(late.frames)).toEqual(saidBy(plain.frames));
  });

  it('survives a server that cuts all lines again and again: in the end everything was answered', async () => {
    await stage.serve();
    const cutting = setInterval(() => stage.csms.drop(), 40);
    try {
      const ledger = await simulate({
        url: stage.csms.url,
        startAt: START,
        speed: Number.POSITIVE_INFINITY,
        reconnect: { firstMs: 5, maxMs: 20 },
        ...one,
        chargers: 20,
        version: 'mixed',
        durationMs: HOUR,
      });
      expect(ledger.counts.disconnects).toBeGreaterThan(20);
      expect(ledger.sessionList().every(({ closed, discarded }) => closed && discarded.length === 0)).toBe(
        true,
      );
      const durable = ledger.frames.filter(({ action }) => /Transaction|MeterValues/.test(action));
      expect(durable.filter(({ answers }) => answers.length !== 1)).toEqual([]);
    } finally {
      clearInterval(cutting);
    }
  });

  it('shows its password as HTTP Basic, and has one CALL outstanding at most', async () => {
    const open = new Map<string, number>();
    let most = 0;
    await stage.run(
      { ...one, chargers: 3, version: 'mixed', password: (id) => `secret of ${id}` },
      {
        delayMs: () => 1,
        answer: ({ chargePointId }) => {
          open.set(chargePointId, (open.get(chargePointId) ?? 0) + 1);
          most = Math.max(most, open.get(chargePointId)!);
          setTimeout(() => open.set(chargePointId, open.get(chargePointId)! - 1), 0);
          return undefined;
        },
      },
    );
    const [scheme, secret] = stage.csms.authorizations.get('SIM-0001')!.split(' ');
    expect([scheme, Buffer.from(secret!, 'base64').toString()]).toEqual([
      'Basic',
      'SIM-0001:secret of SIM-0001',
    ]);
    expect(most).toBe(1);
  });
});
