import { expect, test } from '@jest/globals';
import { table } from './table.js';

interface Row {
  id: string;
  n: string;
}
const columns = [
  { title: 'Charge point', of: (row: Row) => row.id },
  { title: 'kWh', of: (row: Row) => row.n, align: 'right' as const },
];

test('columns are as wide as their widest cell, numbers stand to the right', () => {
  const rows = [
    { id: 'CP-1', n: '1.000' },
    { id: 'a rather long name', n: '12.500' },
  ];
  expect(table(columns, rows, 'none')).toBe(
    [
      'Charge point           kWh',
      '──────────────────  ──────',
      'CP-1                 1.000',
      'a rather long name  12.500',
      '',
    ].join('\n'),
  );
});

test('without rows there is a sentence, not an empty table', () => {
  expect(table(columns, [], 'No such sessions.')).toBe('No such sessions.\n');
});

test('a name with an escape sequence does nothing to the terminal', () => {
  const text = table(columns, [{ id: '\u001b[2Jevil\u0007\nline', n: '1' }], '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(text.split('\n')).toHaveLength(4);
});

test('wide characters count as two cells', () => {
  const [, , first, second] = table(
    columns,
    [
      { id: '充電', n: '1' },
      { id: 'abcd', n: '1' },
    ],
    '',
  ).split('\n');
  expect(first!.indexOf('1') + 2).toBe(second!.indexOf('1'));
});
