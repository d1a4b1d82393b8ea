import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { complaintIn, lastWords, RoleLog } from './role-log.js';

const folder = mkdtempSync(join(tmpdir(), 'wattstream-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('warnings and errors are for people at once, the rest is for the file', () => {
  expect(complaintIn('stdout', '{"level":30,"msg":"ready"}')).toBeUndefined();
  expect(complaintIn('stdout', '{"level":40,"msg":"slow"}')).toBe('slow');
  expect(
    complaintIn('stdout', '{"level":50,"msg":"refused","code":"OFFSET_WENT_BACK","error":"9 < 12"}'),
  ).toBe('refused (OFFSET_WENT_BACK: 9 < 12)');
});

test('a crash before the logger existed is shown by its first line', () => {
  expect(complaintIn('stderr', "TypeError: Cannot read properties of undefined (reading 'x')")).toContain(
    'TypeError',
  );
  expect(complaintIn('stderr', '    at Object.<anonymous> (file.js:1:1)')).toBeUndefined();
  expect(complaintIn('stdout', "Error: words on standard output are nobody's alarm")).toBeUndefined();
  expect(complaintIn('stdout', '{"level":50,"msg":"torn')).toBeUndefined();
});

test('lines arrive whole however they were torn, and a storm of one warning is one line', () => {
  const echoed: string[] = [];
  let now = 0;
  const log = new RoleLog(
    folder,
    'ingest',
    (line) => echoed.push(line),
    () => now,
  );
  const warning = '{"level":40,"msg":"again"}';
  log.write('stdout', warning.slice(0, 9));
  log.write('stdout', `${warning.slice(9)}\n${warning}\n${warning}\nlast`);
  expect(echoed).toEqual(['ingest: again']);
  now = 10_000;
  log.write('stdout', ` words\n${warning}\n`);
  expect(echoed).toEqual(['ingest: again', 'ingest: again (2 more like it)']);
  log.write('stderr', 'no line end');
  log.close();
  expect(readFileSync(join(folder, 'ingest.log'), 'utf8')).toBe(
    `${[warning, warning, warning, 'last words', warning, 'no line end'].join('\n')}\n`,
  );
});

test('the last words of a role that tried three times are one complaint and its remedy', () => {
  const refusal = (time: string) =>
    JSON.stringify({
      level: 50,
      time,
      msg: 'cannot go on',
      code: 'FILE_WRONG',
      error: 'no id',
      remedy: 'Add one.',
    });
  const lines = [
    '{"level":30,"msg":"starting"}',
    refusal('1'),
    refusal('2'),
    'RangeError: y',
    '    at main.js:1',
    refusal('3'),
  ];
  expect(lastWords(lines)).toEqual(['cannot go on (FILE_WRONG: no id)', 'Add one.', 'RangeError: y']);
});

test('a role that died without a complaint is shown by its last lines', () => {
  expect(lastWords(['{"level":30,"msg":"starting"}', 'killed'])).toEqual([
    '{"level":30,"msg":"starting"}',
    'killed',
  ]);
});
