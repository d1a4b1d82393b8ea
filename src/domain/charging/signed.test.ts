/** Rules of charging, "Energy": a verified signed pair. What would break: bills that a customer can check. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { meters, sample, start, stop, transaction } from '../../../test/oracle/frames.js';
import { readOneByOne, sessionOf } from '../../../test/oracle/scenario.js';
import { verifyOcmf } from './ocmf.js';

const meter = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const keyOf = (pair: typeof meter, encoding: 'hex' | 'base64' = 'hex') =>
  pair.publicKey.export({ format: 'der', type: 'spki' }).toString(encoding);
const meterKeys = keyOf(meter);

interface Reading {
  TX?: string;
  RV?: number | string;
  RI?: string;
  RU?: string;
  ST?: string;
  EF?: string;
}
const reading = (TX: string, RV: number, more: Reading = {}): Reading => ({
  TX,
  RV,
  RI: '1-b:1.8.0',
  RU: 'kWh',
  ST: 'G',
  ...more,
});
function ocmf(readings: readonly Reading[], seal: object = {}): string {
  const payload = JSON.stringify({ FV: '1.0', GI: 'a gateway', PG: 'T1', RD: readings });
  const SD = sign('sha256', Buffer.from(payload), meter.privateKey).toString('hex');
  return `OCMF|${payload}|${JSON.stringify({ SA: 'ECDSA-secp256r1-SHA256', SD, ...seal })}`;
}
/** A sample of OCPP 1.6 with format SignedData, which is no number. */
const signed = (at: string, context: string, ...readings: Reading[]) => ({
  ...sample(at, Number.NaN, { context, signed: ocmf(readings) }),
});

describe('a verified signed pair', () => {
  const begun = signed('08:00', 'Transaction.Begin', reading('B', 100.0004));
  const ended = signed('09:00', 'Transaction.End', reading('E', 101.2345));

  it('comes before meterStop - meterStart, to the tenth of a watt-hour', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_234, { samples: [begun, ended], meterKeys }),
    );
    expect(session).toMatchObject({ wh: 1_234.1, energySource: 'signed_pair', held: false, findings: [] });
    expect(session).toMatchObject({ meterStartMilli: 100_000_400, meterStopMilli: 101_234_500 });
  });

  it('comes before registers of 2.x too, and the quarter hours sum to it', () => {
    const tables = readOneByOne(
      transaction('Started', 0, '08:00', {
        evse: 1,
        samples: [sample('08:00', 5, { context: 'Transaction.Begin', signed: ocmf([reading('B', 0)]) })],
        meterKeys,
      }),
      transaction('Updated', 1, '08:20', { samples: [sample('08:20', 500)] }),
      transaction('Ended', 2, '09:00', {
        samples: [
          sample('09:00', 1_005, { context: 'Transaction.End', signed: ocmf([reading('E', 1.0001)]) }),
        ],
        meterKeys,
      }),
    );
    expect(tables.sessions[0]).toMatchObject({ energyMilli: 1_000_100, energySource: 'signed_pair' });
    expect(tables.quarters.reduce((sum, quarter) => sum + quarter.energyMilli, 0)).toBe(1_000_100);
  });

  it('may stand in one data set, and its readings may leave out what does not change', () => {
    const both = ocmf([reading('B', 0.2596), { TX: 'E', RV: 0.2597 }]);
    const session = sessionOf(
      transaction('Ended', 0, '09:00', {
        evse: 1,
        samples: [sample('09:00', 0, { context: 'Transaction.End', signed: both })],
        meterKeys,
      }),
    );
    expect(session).toMatchObject({ wh: 0.1, energySource: 'signed_pair' });
  });

  it('is none when its signature does not hold: not used, held', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000, { samples: [begun, ended], meterKeys: keyOf(other) }),
    );
    expect(session).toMatchObject({
      wh: 1_000,
      energySource: 'meter_stop',
      held: true,
      findings: ['signature_invalid'],
    });
  });

  it('is none without a registered key: nothing is verified, nothing held', () => {
    const session = sessionOf(start('08:00', 1_000), stop('09:00', 2_000, { samples: [begun, ended] }));
    expect(session).toMatchObject({ wh: 1_000, energySource: 'meter_stop', held: false, findings: [] });
  });

  it('that says more than the charger does not stand: the lower figure does, held', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000, { samples: [begun, ended], meterKeys }),
    );
    expect(session).toMatchObject({ wh: 1_000, held: true, findings: ['figures_disagree'] });
  });

  it('that says less than the charger stands, held', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 9_000, { samples: [begun, ended], meterKeys }),
    );
    expect(session).toMatchObject({
      wh: 1_234.1,
      energySource: 'signed_pair',
      held: true,
      findings: ['figures_disagree'],
    });
  });

  it('is the same whatever the order, and however often its frames come', () => {
    const frames = [
      start('08:00', 1_000),
      meters([begun], { meterKeys }),
      meters([signed('08:00', 'Transaction.Begin', reading('B', 100.5))], { meterKeys }),
      stop('09:00', 2_234, { samples: [ended], meterKeys }),
    ];
    const [first, second, third, last] = frames as [never, never, never, never];
    const orders = [
      [first, second, third, last],
      [last, third, second, first],
      [first, third, last, second, second, last],
    ];
    const results = orders.map((order) => readOneByOne(...order).sessions[0]);
    for (const row of results)
      expect(row).toMatchObject({ energyMilli: 734_500, energySource: 'signed_pair' });
  });
});

describe('OCMF', () => {
  const KEBA = {
    key:
      '3059301306072A8648CE3D020106082A8648CE3D030107034200043AEEB45C392357820A58FDFB0857BD77ADA31585C61C4305' +
      '31DFA53B440AFBFDD95AC887C658EA55260F808F55CA948DF235C2108A0D6DC7D4AB1A5E1A7955BE',
    text:
      'OCMF|{"FV":"1.0","GI":"KEBA_KCP30","GS":"17619300","GV":"2.8.5","PG":"T32","IS":false,"IL":"NONE",' +
      '"IF":["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT":"NONE","ID":"",' +
      '"RD":[{"TM":"2019-08-13T10:03:15,000+0000 I","TX":"B","EF":"","ST":"G","RV":0.2596,"RI":"1-b:1.8.0","RU":"kWh"},' +
      '{"TM":"2019-08-13T10:03:36,000+0000 R","TX":"E","EF":"","ST":"G","RV":0.2597,"RI":"1-b:1.8.0","RU":"kWh"}]}|' +
      '{"SD":"304502200E2F107C987A300AC1695CA89EA149A8CDFA16188AF0A33EE64B67964AA943F9' +
      '022100889A72B6D65364BEA8562E7F6A0253157ACFF84FE4929A93B5964D23C4265699"}',
  };

  it("of a real meter (KEBA KCP30, S.A.F.E.'s examples) holds, and not when a digit is changed", () => {
    const register = '1-b:1.8.0';
    expect(verifyOcmf(KEBA.text, [KEBA.key], '')).toEqual({
      readings: [
        { edge: 'begin', register, milli: 259_600 },
        { edge: 'end', register, milli: 259_700 },
      ],
    });
    expect(verifyOcmf(KEBA.text.replace('0.2597', '0.2697'), [KEBA.key], '')).toBe('invalid');
    expect(verifyOcmf(KEBA.text, [meterKeys], '')).toBe('invalid');
    expect(verifyOcmf(KEBA.text, [meterKeys, KEBA.key], '')).toHaveProperty('readings');
  });

  it('may be wrapped as SignedMeterValueType, plain or base64; keys may be base64', () => {
    const key = keyOf(meter, 'base64');
    const text = ocmf([reading('B', 1)]);
    for (const signedMeterData of [text, Buffer.from(text).toString('base64')]) {
      const wrapped = JSON.stringify({
        signedMeterData,
        signingMethod: '',
        encodingMethod: 'OCMF',
        publicKey: '',
      });
      expect(verifyOcmf(wrapped, [key], '')).toMatchObject({
        readings: [{ edge: 'begin', milli: 1_000_000 }],
      });
    }
  });

  it.each([
    ['a reading in between', reading('C', 1)],
    ['a reading that the meter marks as bad', reading('B', 1, { ST: 'T' })],
    ['a reading whose energy is in error', reading('B', 1, { EF: 'Et' })],
    ['energy fed back', reading('B', 1, { RI: '1-b:2.8.0' })],
    ['energy fed back, by a reserved identifier', reading('B', 1, { RI: '01-00:C2.08.00*FF' })],
    ['power', reading('B', 1, { RU: 'kW' })],
  ])('%s is signed, and counts for nothing', (_, one) => {
    expect(verifyOcmf(ocmf([one]), [meterKeys], '')).toEqual({ readings: [] });
  });

  it('takes what a reading is from the OCPP context when it does not say so', () => {
    const { TX: _, ...silent } = reading('', 1);
    expect(verifyOcmf(ocmf([silent]), [meterKeys], 'Transaction.End')).toMatchObject({
      readings: [{ edge: 'end' }],
    });
    expect(verifyOcmf(ocmf([silent]), [meterKeys], 'Sample.Periodic')).toEqual({ readings: [] });
  });

  it.each(['', 'x', 'EDL|{}', '{"signedMeterData":5}', '{', 'QUxGRU4='])(
    'what is another format is unknown: %s',
    (text) => {
      expect(verifyOcmf(text, [meterKeys], '')).toBe('unknown');
    },
  );

  it.each(['OCMF||', 'OCMF|{}|{}', 'OCMF|{"RD":[]}|{"SD":"zz"}', 'OCMF|{"RD":{}}|{"SD":""}'])(
    'what is damaged is invalid: %s',
    (text) => {
      expect(verifyOcmf(text, [meterKeys, 'no key', ''], '')).toBe('invalid');
    },
  );
});
