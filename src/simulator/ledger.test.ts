import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Received } from './testing/csms.js';
import { Stage } from './testing/stage.js';

jest.setTimeout(30_000);
const stage = new Stage();
afterEach(() => stage.close());

describe('the ledger is true', () => {
  /** The energy of each transaction as an independent reader finds it in what the server received. */
  const readEnergy = (received: readonly Received[]): Map<string, number> => {
    const energy = new Map<string, number>();
    const starts = new Map<string, number>();
    for (const { chargePointId, action, payload, text } of received) {
      if (action === 'StartTransaction') starts.set(`${chargePointId}/${text}`, payload.meterStart as number);
      if (action === 'TransactionEvent') {
        const { eventType, transactionInfo, meterValue } = payload as {
          eventType: string;
          transactionInfo: { transactionId: string };
          meterValue?: { sampledValue: Sampled[] }[];
        };
        const key = `${chargePointId}/${transactionInfo.transactionId}`;
        const wh = meterValue === undefined ? undefined : registerWh(meterValue.at(-1)!.sampledValue);
        if (eventType === 'Started') starts.set(key, wh!);
        if (eventType === 'Ended') energy.set(key, wh! - starts.get(key)!);
      }
    }
    return energy;
  };
  interface Sampled {
    value: number;
    measurand?: string;
    unitOfMeasure?: { unit?: string; multiplier?: number };
  }
  const registerWh = (values: Sampled[]): number => {
    const register = values.find(
      ({ measurand = 'Energy.Active.Import.Register' }) => measurand === 'Energy.Active.Import.Register',
    )!;
    const { unit = 'Wh', multiplier = 0 } = register.unitOfMeasure ?? {};
    return register.value * 10 ** multiplier * (unit === 'kWh' ? 1_000 : 1);
  };

  it('for 1.6: energy is meterStop - meterStart of what the server got, under the id it answered', async () => {
    const ledger = await stage.run({ scenario: 'rush-hour', version: '1.6', chargers: 8 });
    const answered = new Map(ledger.answered.map(({ messageId, answers }) => [messageId, answers[0]!]));
    const starts = new Map<string, Received>();
    for (const start of stage.csms.received.filter(({ action }) => action === 'StartTransaction')) {
      const { transactionId } = (
        JSON.parse(answered.get(start.messageId)!) as [0, 0, { transactionId: number }]
      )[2];
      starts.set(String(transactionId), start);
    }
    const stops = new Map(
      stage.csms.received
        .filter(({ action }) => action === 'StopTransaction')
        .map((stop) => [String(stop.payload.transactionId), stop]),
    );
    const sessions = ledger.sessionList();
    expect(starts.size).toBe(sessions.length);
    for (const session of sessions) {
      const start = starts.get(session.transactionId!)!;
      const stop = stops.get(session.transactionId!)!;
      expect(start.payload).toMatchObject({
        connectorId: session.connectorId,
        idTag: session.idTag,
        meterStart: session.meterStartWh,
        timestamp: new Date(session.startedAt).toISOString(),
      });
      expect(stop.payload).toMatchObject({
        meterStop: session.meterStopWh,
        reason: session.stopReason,
        timestamp: new Date(session.stoppedAt!).toISOString(),
      });
      expect(session.energyWh).toBe(
        (stop.payload.meterStop as number) - (start.payload.meterStart as number),
      );
      expect(session).toMatchObject({ answeredIds: [session.transactionId], unseenWh: 0, meterResets: 0 });
    }
    expect(Math.max(...sessions.map(({ energyWh }) => energyWh))).toBeGreaterThan(1_000);
  });

  it.each(['2.0.1', '2.1'] as const)(
    'for %s: energy is Transaction.End - Transaction.Begin',
    async (version) => {
      const ledger = await stage.run({ scenario: 'rush-hour', version, chargers: 8 });
      const energy = readEnergy(stage.csms.received);
      const sessions = ledger.sessionList();
      expect(energy.size).toBe(sessions.length);
      for (const { chargePointId, transactionId, energyWh } of sessions)
        expect(energy.get(`${chargePointId}/${transactionId}`)).toBeCloseTo(energyWh, 3);
    },
  );

  it('for 2.x: seqNo counts every event of a transaction from 0, in order', async () => {
    await stage.run({ scenario: 'blackout', version: '2.0.1', chargers: 6 });
    const seen = new Map<string, number[]>();
    for (const { payload } of stage.csms.received.filter(({ action }) => action === 'TransactionEvent')) {
      const { transactionInfo, seqNo } = payload as {
        transactionInfo: { transactionId: string };
        seqNo: number;
      };
      const numbers = seen.get(transactionInfo.transactionId) ?? [];
      if (numbers.at(-1) !== seqNo) numbers.push(seqNo);
      seen.set(transactionInfo.transactionId, numbers);
    }
    for (const numbers of seen.values()) expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('after a meter reset: what can be read is the energy without what flowed around the reset', async () => {
    const ledger = await stage.run({ scenario: 'meter-reset', version: '2.0.1', chargers: 8 });
    const reset = ledger.sessionList().filter(({ meterResets }) => meterResets > 0);
    expect(reset.length).toBeGreaterThan(5);
    const readings = new Map<string, number[]>();
    for (const { payload } of stage.csms.received.filter(({ action }) => action === 'TransactionEvent')) {
      const { transactionInfo, meterValue } = payload as {
        transactionInfo: { transactionId: string };
        meterValue?: { sampledValue: Sampled[] }[];
      };
      const of = readings.get(transactionInfo.transactionId) ?? [];
      if (meterValue !== undefined) of.push(registerWh(meterValue.at(-1)!.sampledValue));
      readings.set(transactionInfo.transactionId, of);
    }
    for (const { transactionId, energyWh, unseenWh } of reset) {
      let read = 0;
      const of = readings.get(transactionId!)!;
      for (let index = 1; index < of.length; index++) read += Math.max(0, of[index]! - of[index - 1]!);
      expect(read).toBeCloseTo(energyWh - unseenWh, 3);
    }
    expect(Math.max(...reset.map(({ unseenWh }) => unseenWh))).toBeGreaterThan(0);
  });
});
