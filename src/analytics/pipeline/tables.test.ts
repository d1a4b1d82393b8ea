import { describe, expect, test } from '@jest/globals';
import type { Sample } from '../../domain/charging/events.js';
import type { MeterValuesRow } from '../../domain/charging/rows.js';
import { METER_VALUES, meterValueLines } from './tables.js';

const sample = (over: Partial<Sample> = {}): Sample => ({
  at: 0,
  measurand: 'Energy.Active.Import.Register',
  phase: '',
  location: 'Outlet',
  context: 'Sample.Periodic',
  raw: '12',
  unit: 'Wh',
  milli: 12_000,
  ...over,
});
const row = (samples: readonly Sample[], over: Partial<MeterValuesRow> = {}): MeterValuesRow => ({
  chargePointId: 'CP-1',
  offset: 7,
  at: Date.UTC(2026, 10, 24),
  sentAt: Date.UTC(2026, 10, 24),
  origin: 'tx:1',
  connectorId: 1,
  evseId: 1,
  sessionId: null,
  samples,
  ...over,
});
const cells = (rows: readonly MeterValuesRow[]) =>
  meterValueLines(rows, { generation: 1, epoch: 1 } as never, 0).map((line) => {
    const values = line.split('\t');
    expect(values).toHaveLength(METER_VALUES.columns.length);
    return Object.fromEntries(METER_VALUES.columns.map((name, index) => [name, values[index]]));
  });

describe('lines of meter_values', () => {
  test('a reading that a record has twice is one row, and the last is kept', () => {
    const lines = cells([row([sample(), sample({ signed: 'later' })])]);
    expect(lines).toEqual([expect.objectContaining({ raw: '12', signed: 'later' })]);
  });

  test('the same figure in two units is two rows', () => {
    const lines = cells([row([sample(), sample({ unit: 'kWh', milli: 12_000_000 })])]);
    expect(lines.map(({ unit, value }) => [unit, value])).toEqual([
      ['Wh', '12'],
      ['kWh', '12000'],
    ]);
  });

  test('times beyond what a DateTime64 holds fall together: one row', () => {
    const before1900 = [-1e14, -2e14].map((at) => row([sample({ at })], { at, sentAt: at }));
    expect(cells(before1900)).toHaveLength(1);
  });

  test('the same reading in two records is written twice: the later position wins in the table', () => {
    expect(cells([row([sample()]), row([sample()], { offset: 9 })]).map(({ offset }) => offset)).toEqual([
      '7',
      '9',
    ]);
  });
});
