/** Rules of charging, "Energy". What would break: money. */
import { describe, expect, it } from '@jest/globals';
import {
  exported,
  interval,
  meters,
  power,
  type SampleExtras,
  sample,
  soc,
  start,
  stop,
  time,
  transaction,
} from '../../../test/oracle/frames.js';
import { readOneByOne, sessionOf, tablesOf } from '../../../test/oracle/scenario.js';

const begin = { context: 'Transaction.Begin' };
const end = { context: 'Transaction.End' };

describe('which figure wins', () => {
  it('meterStop - meterStart before everything else', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:30', 1_600), interval('08:30', 777), power('08:30', 9_000)]),
      stop('09:00', 2_000, { samples: [sample('08:00', 1_000, begin), sample('09:00', 2_000, end)] }),
    );
    expect(session).toMatchObject({ wh: 1_000, energySource: 'meter_stop', estimated: false, held: false });
  });

  it('else Transaction.End - Transaction.Begin', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000, begin)] }),
      transaction('Updated', 1, '08:30', { samples: [sample('08:30', 1_400)] }),
      transaction('Ended', 2, '09:00', { samples: [sample('09:00', 2_000, end)] }),
    );
    expect(session).toMatchObject({ wh: 1_000, energySource: 'transaction_context', findings: [] });
  });

  it('else last - first register', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Ended', 1, '09:00', { samples: [sample('08:59', 1_950)] }),
    );
    expect(session).toMatchObject({ wh: 950, energySource: 'registers' });
  });

  it("else the sum of one context's intervals", () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Ended', 1, '09:00', {
        samples: [
          interval('08:15', 100),
          interval('08:30', 250),
          interval('08:45', 50),
          power('08:45', 9_999),
        ],
      }),
    );
    expect(session).toMatchObject({ wh: 400, energySource: 'intervals' });
  });

  it('else integrated power, estimated', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Ended', 1, '09:00', {
        samples: [power('08:00', 0), power('08:30', 10_000), power('09:00', 10_000)],
      }),
    );
    expect(session).toMatchObject({ wh: 2_500 + 5_000, energySource: 'power', estimated: true });
  });

  it('none at all is unknown, never zero', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Ended', 1, '09:00'),
    );
    expect(session).toMatchObject({ wh: null, energySource: 'none' });
  });

  it('meterStart and meterStop that are equal are no energy, which is known', () => {
    expect(sessionOf(start('08:00', 1_000), stop('09:00', 1_000))).toMatchObject({ wh: 0, held: false });
  });

  it('signed data that nobody verified decide nothing', () => {
    const signed = { ...sample('09:00', 9_999, end), signed: 'OCMF|{}|{}' };
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000, { samples: [{ ...signed, milli: Number.NaN }] }),
    );
    expect(session).toMatchObject({ wh: 1_000, energySource: 'meter_stop' });
  });

  it('a session that goes on has taken what its newest register says', () => {
    expect(sessionOf(start('08:00', 1_000), meters([sample('08:20', 1_250.5)]))).toMatchObject({
      wh: 250.5,
      status: 'active',
    });
  });

  it('energy has three decimals of a watt-hour, exactly', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 0.1)] }),
      transaction('Ended', 1, '09:00', { samples: [sample('09:00', 0.302)] }),
    );
    expect(session.energyMilli).toBe(202);
  });
});

describe('where figures disagree', () => {
  it('the lower one stands and the session is held', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000, { samples: [sample('08:00', 1_000, begin), sample('09:00', 1_900, end)] }),
    );
    expect(session).toMatchObject({ wh: 900, held: true, findings: ['figures_disagree'] });
  });

  it('also when it is the samples that say more', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000, { samples: [sample('08:00', 900, begin), sample('09:00', 2_000, end)] }),
    );
    expect(session).toMatchObject({ wh: 1_000, held: true, findings: ['figures_disagree'] });
  });

  it('two stops with different meters: the lower one stands', () => {
    const session = sessionOf(start('08:00', 1_000), stop('09:00', 2_000), stop('09:00:05', 1_990));
    expect(session.wh).toBe(990);
  });

  it.each([
    ['negative', -1],
    ['below meterStart', 999],
  ])('a meterStop that is %s is absent', (_, meterStop) => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:50', 1_800)]),
      stop('09:00', meterStop),
    );
    expect(session).toMatchObject({ wh: 800, energySource: 'registers', held: true, meterStopMilli: null });
    expect(session.findings).toContain('meter_stop_invalid');
  });

  it('meterStop below the last sample by more than 1 Wh stands, flagged and held', () => {
    const session = sessionOf(start('08:00', 1_000), meters([sample('08:50', 1_800)]), stop('09:00', 1_700));
    expect(session).toMatchObject({ wh: 700, held: true, findings: ['meter_stop_below_samples'] });
  });

  it('meterStop below the last sample by up to 1 Wh is rounding', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:50', 1_800.9)]),
      stop('09:00', 1_800),
    );
    expect(session).toMatchObject({ wh: 800, held: false, findings: [] });
  });
});

describe('samples after the stop', () => {
  it.each([
    ['before the stop was known', false],
    ['after the stop was known', true],
  ])('never add, when they came %s', (_, stopFirst) => {
    const late = meters([sample('09:05', 2_900), power('09:05', 99_000)]);
    const ended = stop('09:00', 2_000);
    const session = sessionOf(start('08:00', 1_000), ...(stopFirst ? [ended, late] : [late, ended]));
    expect(session).toMatchObject({ wh: 1_000, held: false, maxPowerMilli: null });
  });

  it('never add when the stop had no meter either', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:59', 1_700)]),
      stop('09:00', undefined),
      meters([sample('09:05', 2_900)]),
    );
    expect(session.wh).toBe(700);
  });

  it('never add in 2.x', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Ended', 1, '09:00', { samples: [sample('09:00', 2_000)] }),
      transaction('Updated', 2, '09:10', { samples: [sample('09:10', 2_500)] }),
      meters([sample('09:20', 2_600)], { evse: 1, id: null }),
    );
    expect(session.wh).toBe(1_000);
  });
});

describe('meterStart', () => {
  it('0 with samples far above is a register that was not read: the first sample is taken', () => {
    const session = sessionOf(
      start('08:00', 0),
      meters([sample('08:01', 7_523_000), sample('08:30', 7_530_000)]),
      stop('09:00', 7_535_000),
    );
    expect(session).toMatchObject({ wh: 12_000, held: true, findings: ['meter_start_unread'] });
    expect(session.meterStartMilli).toBe(7_523_000_000);
  });

  it('0 for every transaction is a meter that counts by session', () => {
    const session = sessionOf(start('08:00', 0), meters([sample('08:30', 5_000)]), stop('09:00', 9_000));
    expect(session).toMatchObject({ wh: 9_000, held: false, findings: [] });
  });
});

describe('registers', () => {
  const live = (...samples: [string, number][]) =>
    sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      ...samples.map(([at, wh], index) =>
        transaction('Updated', index + 1, at, { samples: [sample(at, wh)] }),
      ),
    );

  it('are sorted by time first', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Ended', 1, '09:00', {
        samples: [sample('09:00', 3_000), sample('08:00', 1_000), sample('08:30', 2_000)],
      }),
    );
    expect(session).toMatchObject({ wh: 2_000, findings: [] });
  });

  it('a dip that comes back is a meter_glitch and is dropped', () => {
    expect(live(['08:00', 1_000], ['08:10', 2_000], ['08:20', 0], ['08:30', 2_000])).toMatchObject({
      wh: 1_000,
      held: false,
      findings: ['meter_glitch'],
    });
  });

  it('a dip of several readings that comes back is dropped as a whole', () => {
    const session = live(['08:00', 1_000], ['08:10', 2_000], ['08:15', 5], ['08:20', 9], ['08:30', 2_500]);
    expect(session).toMatchObject({ wh: 1_500, findings: ['meter_glitch'] });
  });

  it('a peak that the connector could not deliver and the next reading takes back is dropped', () => {
    const session = live(['08:00', 1_000], ['08:10', 2_000], ['08:20', 9_000_000], ['08:30', 2_500]);
    expect(session).toMatchObject({ wh: 1_500, findings: ['meter_glitch'] });
  });

  it('a real reset starts a new base and adds nothing for the gap; held', () => {
    const session = live(['08:00', 1_000], ['08:10', 2_000], ['08:20', 100], ['08:30', 600]);
    expect(session).toMatchObject({ wh: 1_500, held: true, findings: ['meter_reset'] });
  });

  it('two resets are two bases', () => {
    const session = live(
      ['08:00', 1_000],
      ['08:10', 1_900],
      ['08:20', 100],
      ['08:30', 600],
      ['08:40', 0],
      ['08:50', 90],
    );
    expect(session.wh).toBe(900 + 500 + 90);
  });

  it('an increase that the connector could not deliver is a meter_jump: held', () => {
    const session = live(['08:00', 1_000], ['08:10', 900_000], ['08:20', 901_000]);
    expect(session).toMatchObject({ held: true, findings: ['meter_jump'] });
  });

  it('an increase at the stop that the connector could not deliver is a meter_jump: held', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:59', 2_000)]),
      stop('09:00', 2_000_000),
    );
    expect(session).toMatchObject({ held: true, findings: ['meter_jump'] });
  });

  it('that all lie below meterStart while meterStop is above are session-relative: shape only', () => {
    const session = sessionOf(
      start('08:00', 50_000),
      meters([sample('08:15', 200), sample('08:30', 900)]),
      stop('09:00', 51_000),
    );
    expect(session).toMatchObject({ wh: 1_000, held: false, findings: ['registers_session_relative'] });
  });

  it('a reset between meterStart and meterStop is seen and held', () => {
    const session = sessionOf(
      start('08:00', 100),
      meters([sample('08:15', 600), sample('08:30', 0), sample('08:45', 300)]),
      stop('09:00', 400),
    );
    expect(session).toMatchObject({ wh: 300, held: true });
    expect(session.findings).toContain('meter_reset');
  });
});

describe('which samples count', () => {
  const with2x = (...samples: ReturnType<typeof sample>[]) =>
    sessionOf(transaction('Started', 0, '08:00', { evse: 1 }), transaction('Ended', 1, '09:00', { samples }));
  const phase = (at: string, name: string, wh: number, extras: SampleExtras = {}) =>
    sample(at, wh, { phase: name, ...extras });

  it('totals before phases, never both', () => {
    const session = with2x(
      sample('08:00', 1_000),
      phase('08:00', 'L1', 400),
      phase('08:00', 'L2', 600),
      sample('09:00', 2_000),
      phase('09:00', 'L1', 900),
      phase('09:00', 'L2', 1_100),
    );
    expect(session.wh).toBe(1_000);
  });

  it('phases are summed where there is no total', () => {
    const session = with2x(
      ...['L1', 'L2', 'L3'].flatMap((name) => [phase('08:00', name, 100), phase('09:00', name, 350)]),
    );
    expect(session.wh).toBe(750);
  });

  it('a moment at which one phase is missing is not taken for a fall of the sum', () => {
    const session = with2x(
      ...['L1', 'L2', 'L3'].flatMap((name) => [phase('08:00', name, 100), phase('09:00', name, 350)]),
      phase('08:30', 'L1', 200),
    );
    expect(session).toMatchObject({ wh: 750, findings: [] });
  });

  it('Outlet before other locations', () => {
    const session = with2x(
      sample('08:00', 1_000),
      sample('08:00', 5_000, { location: 'Upstream' }),
      sample('09:00', 2_000),
      sample('09:00', 9_000, { location: 'Upstream' }),
    );
    expect(session.wh).toBe(1_000);
  });

  it('intervals of different contexts are never added', () => {
    const session = with2x(
      interval('08:15', 100),
      interval('08:30', 100),
      interval('08:30', 222, { context: 'Sample.Clock' }),
    );
    expect(session.wh).toBe(200);
  });

  it('the same sample again adds nothing', () => {
    const session = with2x(interval('08:15', 100), interval('08:15', 100), interval('08:30', 100));
    expect(session.wh).toBe(200);
  });

  it.each([
    ['the higher came first', [1_900, 1_800]],
    ['the lower came first', [1_800, 1_900]],
  ])('of equal samples with different values the outcome does not depend on order: %s', (_, values) => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      ...values.map((wh, index) =>
        transaction('Updated', index + 1, '08:30', { samples: [sample('08:30', wh)] }),
      ),
    );
    expect(session.wh).toBe(800);
  });

  it('the same reading with and without its transaction is one reading', () => {
    const glitchy = [sample('08:10', 1_100), sample('08:20', 9_000_000), sample('08:30', 1_300)];
    const session = sessionOf(start('08:00', 1_000), meters(glitchy), meters(glitchy, { id: null }));
    expect(session).toMatchObject({ wh: 300, findings: ['meter_glitch'] });
  });

  it.each([
    ['connector 0', meters([sample('08:30', 999_000)], { connector: 0, id: null })],
    ['connector 0, though it names the transaction', meters([sample('08:30', 999_000)], { connector: 0 })],
    ['EVSE 0', meters([sample('08:30', 999_000)], { evse: 0, id: null })],
    ['another connector', meters([sample('08:30', 999_000)], { connector: 2, id: null })],
  ])('the main meter is no session and not in totals: %s', (_, main) => {
    const session = sessionOf(start('08:00', 1_000), main, meters([sample('08:40', 1_500)]));
    expect(session).toMatchObject({ wh: 500, findings: [] });
  });

  it('the main meter alone makes no session', () => {
    const { sessions, quarters, meterValues } = tablesOf(
      meters([sample('08:30', 1)], { connector: 0, id: null }),
    );
    expect({ sessions, quarters }).toEqual({ sessions: [], quarters: [] });
    expect(meterValues).toMatchObject([{ evseId: 0, sessionId: null, milli: 1_000 }]);
  });

  it('export is apart', () => {
    const session = with2x(
      sample('08:00', 1_000),
      exported('08:00', 50),
      sample('09:00', 2_000),
      exported('09:00', 350),
    );
    expect(session).toMatchObject({ wh: 1_000, exportMilli: 300_000 });
  });

  it('meter values of an unknown transaction go by connector and time', () => {
    const session = sessionOf(start('08:00', 1_000), meters([sample('08:40', 1_500)], { id: '-1' }));
    expect(session.wh).toBe(500);
  });

  it('so do those of no transaction, where the stop has no meter that could be used', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:20', 1_200), sample('08:40', 1_500)], { id: null }),
      stop('09:00', -1),
    );
    expect(session).toMatchObject({ wh: 500, energySource: 'registers', findings: ['meter_stop_invalid'] });
  });

  it('and those of a 2.x station that measures outside of its transaction events', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000, begin)] }),
      meters([sample('08:40', 1_500)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      transaction('Ended', 1, '09:00'),
    );
    expect(session).toMatchObject({ wh: 500, energySource: 'registers', findings: [] });
  });

  it('but the last word is that of the transaction, where it has one', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000, begin)] }),
      meters([sample('08:40', 1_500)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      transaction('Ended', 1, '09:00', { samples: [sample('09:00', 1_400, end)] }),
    );
    expect(session).toMatchObject({ wh: 400, findings: [] });
  });

  it('meter values that named their transaction before its start came are its own', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101', connector: 1 }),
      meters([sample('08:40', 7_900)], { id: '102', connector: 1 }),
      start('08:30', 7_000, { id: '102', connector: 1, token: 'TAG-2', received: '08:50' }),
    );
    expect(sessions).toMatchObject([
      { transactionId: '101', energyMilli: 0 },
      { transactionId: '102', energyMilli: 900_000 },
    ]);
  });

  it('until then they count with the connector, in the order of their times', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:50', 1_900)], { id: null }),
      meters([sample('08:40', 1_700)], { id: '102' }),
    );
    expect(session).toMatchObject({ wh: 900, lastSeenAt: time('08:50'), findings: [] });
  });

  it('and nobody else keeps what was shown as theirs until then', () => {
    const frames = [
      start('08:00', 1_000, { id: '101', connector: 1 }),
      meters([sample('08:40', 1_900)], { id: '102', connector: 1 }),
      // It turns out to charge at the other connector.
      start('08:30', 1_000, { id: '102', connector: 2, received: '08:50' }),
    ];
    expect(readOneByOne(...frames.slice(0, 2)).sessions).toMatchObject([{ energyMilli: 900_000 }]);
    expect(readOneByOne(...frames).sessions).toMatchObject([
      { transactionId: '101', energyMilli: 0 },
      { transactionId: '102', energyMilli: 900_000 },
    ]);
  });

  it('power and state of charge are kept beside', () => {
    const session = with2x(
      power('08:10', 7_000),
      power('08:20', 11_000),
      soc('08:10', 20),
      soc('08:50', 81.5),
    );
    expect(session).toMatchObject({ maxPowerMilli: 11_000_000, socStartMilli: 20_000, socEndMilli: 81_500 });
  });
});
