import { describe, expect, test } from '@jest/globals';
import { Reading } from './reading.js';
import { samples2, samples16 } from './samples.js';

const at = '2026-11-23T18:34:46Z';
const read16 = (...sampledValue: unknown[]) => {
  const reading = new Reading();
  const samples = samples16({ meterValue: [{ timestamp: at, sampledValue }] }, 'meterValue', reading);
  return { samples, sample: samples[0]!, oddities: reading.oddities.map(({ kind }) => kind) };
};
const read2 = (...sampledValue: unknown[]) => {
  const reading = new Reading();
  const samples = samples2({ meterValue: [{ timestamp: at, sampledValue }] }, 'meterValue', reading);
  return { samples, sample: samples[0]!, oddities: reading.oddities.map(({ kind }) => kind) };
};

describe('OCPP 1.6', () => {
  test('what is left out means: active energy imported in Wh, periodic, at the outlet, all phases', () => {
    expect(read16({ value: '1234' })).toEqual({
      sample: expect.anything(),
      oddities: [],
      samples: [
        {
          at: Date.parse(at),
          measurand: 'Energy.Active.Import.Register',
          phase: '',
          location: 'Outlet',
          context: 'Sample.Periodic',
          milli: 1_234_000,
          unit: 'Wh',
          raw: '1234',
        },
      ],
    });
  });

  test('kWh with float noise is exact watt-hours', () => {
    const { sample, oddities } = read16({ value: '0.15006999999999998', unit: 'kWh' });
    expect(sample).toMatchObject({ milli: 150_070, unit: 'Wh', raw: '0.15006999999999998' });
    expect(oddities).toEqual([]);
  });

  test.each([
    ['Power.Active.Import', '7.4', 'kW', 7_400_000, 'W'],
    ['Current.Import', '16.1', 'A', 16_100, 'A'],
    ['Temperature', '31', 'Celcius', 31_000, 'Celsius'],
    ['Temperature', '31', 'Celsius', 31_000, 'Celsius'],
    ['Temperature', '300', 'K', 26_850, 'Celsius'],
    ['Temperature', '50', 'Fahrenheit', 10_000, 'Celsius'],
    ['Temperature', '-40', 'Fahrenheit', -40_000, 'Celsius'],
    ['SoC', '47', 'Percent', 47_000, 'Percent'],
    ['Energy.Active.Import.Register', '5', 'KWH', 5_000_000, 'Wh'],
    ['Energy.Reactive.Import.Register', '2', 'kvarh', 2_000_000, 'varh'],
  ])('%s %s %s', (measurand, value, unit, milli, base) => {
    expect(read16({ value, measurand, unit })).toMatchObject({ sample: { milli, unit: base }, oddities: [] });
  });

  test('a missing unit is the one of its measurand, not Wh', () => {
    expect(read16({ value: '230', measurand: 'Voltage' }).sample.unit).toBe('V');
    expect(read16({ value: '7000', measurand: 'Power.Active.Import' }).sample.unit).toBe('W');
  });

  test('signed data is kept as text and is no number', () => {
    const { sample, oddities } = read16({ value: 'OCMF|{}|{}', format: 'SignedData', unit: 'Wh' });
    expect(sample).toMatchObject({ milli: Number.NaN, signed: 'OCMF|{}|{}', raw: 'OCMF|{}|{}' });
    expect(oddities).toEqual([]);
  });

  test('energy or power in a unit that does not fit counts for nothing, and is shown', () => {
    expect(read16({ value: '5', unit: 'W' })).toMatchObject({
      sample: { milli: Number.NaN },
      oddities: ['unit_mismatch'],
    });
    expect(read16({ value: '5', unit: 'furlong' })).toMatchObject({
      sample: { milli: Number.NaN, unit: 'furlong' },
      oddities: ['unknown_unit'],
    });
    expect(read16({ value: '5', measurand: 'RPM', unit: 'turns' })).toMatchObject({
      sample: { milli: 5000, unit: 'turns' },
      oddities: ['unknown_unit'],
    });
  });

  test('units that differ by the case of their prefix alone are not guessed', () => {
    expect(read16({ value: '5', unit: 'MWh' }).sample.milli).toBe(5_000_000_000);
    expect(read16({ value: '5', unit: 'mWh' }).sample.milli).toBe(5);
    expect(read16({ value: '5', unit: 'MWH' }).oddities).toEqual(['unknown_unit']);
  });

  test('a number instead of a text is used, and noted; text that is no number is kept, and noted', () => {
    expect(read16({ value: 12.5 })).toMatchObject({
      sample: { milli: 12_500 },
      oddities: ['schema_violation'],
    });
    expect(read16({ value: 'n/a' })).toMatchObject({
      sample: { milli: Number.NaN, raw: 'n/a' },
      oddities: ['unreadable_value'],
    });
  });

  test('a measurand of their own is kept, and noted once for all of them', () => {
    const reading = new Reading();
    const sampledValue = [1, 2, 3].map((n) => ({ value: String(n), measurand: `Vendor.${n}` }));
    expect(samples16({ meterValue: [{ timestamp: at, sampledValue }] }, 'meterValue', reading)).toHaveLength(
      3,
    );
    expect(reading.oddities).toEqual([{ kind: 'unknown_measurand', detail: 'Vendor.1 (and 2 more)' }]);
  });

  test('no shape of a list makes it throw', () => {
    for (const meterValue of [
      null,
      5,
      'x',
      {},
      [null],
      [{}],
      [{ sampledValue: 7 }],
      [{ sampledValue: [null, {}] }],
    ])
      expect(samples16({ meterValue }, 'meterValue', new Reading())).toEqual([]);
  });
});

describe('OCPP 2.x', () => {
  test('numbers with unit and multiplier', () => {
    expect(read2({ value: 15.0069, unitOfMeasure: { unit: 'kWh' } }).sample).toMatchObject({
      milli: 15_006_900,
      unit: 'Wh',
    });
    expect(read2({ value: 15, unitOfMeasure: { unit: 'Wh', multiplier: 3 } }).sample.milli).toBe(15_000_000);
    expect(read2({ value: 15, unitOfMeasure: { multiplier: -1 } }).sample.milli).toBe(1500);
    expect(read2({ value: 1e-3 }).sample).toMatchObject({ milli: 1, unit: 'Wh' });
    expect(read2({ value: 1e-7 }).sample.milli).toBe(0);
    expect(read2({ value: 1e21 })).toMatchObject({
      sample: { milli: Number.NaN },
      oddities: ['unreadable_value'],
    });
  });

  test('signed meter data comes beside the number, with all that verifying it needs', () => {
    const signedMeterValue = {
      signedMeterData: 'abc',
      signingMethod: '',
      encodingMethod: 'OCMF',
      publicKey: 'k',
    };
    expect(read2({ value: 5, signedMeterValue }).sample).toMatchObject({
      milli: 5000,
      signed: JSON.stringify(signedMeterValue),
    });
  });

  test('a text instead of a number is used, and noted; a senseless multiplier makes the value unreadable', () => {
    expect(read2({ value: '5' })).toMatchObject({ sample: { milli: 5000 }, oddities: ['schema_violation'] });
    expect(read2({ value: 5, unitOfMeasure: { multiplier: 1e9 } })).toMatchObject({
      sample: { milli: Number.NaN },
      oddities: ['unreadable_value'],
    });
  });
});
