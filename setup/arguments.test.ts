import { expect, test } from '@jest/globals';
import { START_HELP, startArguments } from './arguments.mjs';

test('twenty chargers at their own speed unless told otherwise', () => {
  expect(startArguments([])).toEqual({ help: false, chargers: 20, speed: undefined });
  expect(startArguments(['--chargers', '0', '--speed=2.5'])).toEqual({
    help: false,
    chargers: 0,
    speed: 2.5,
  });
});

test('as fast as they can', () => {
  expect(startArguments(['--speed', 'max'])).toMatchObject({ speed: 'max' });
});

test.each([
  [['--chargers', 'many'], 'many'],
  [['--chargers', '1.5'], '1.5'],
  [['--chargers=-1'], '-1'],
  [['--speed', '0'], '0'],
  [['--chargres', '3'], 'chargres'],
  [['3'], '3'],
])('%j is refused by name, before anything is started', (argv, named) => {
  expect(() => startArguments(argv)).toThrow(
    expect.objectContaining({ message: expect.stringContaining(named) }),
  );
});

test('the help names every option', () => {
  expect(startArguments(['--help', '--chargers', '3'])).toEqual({ help: true });
  for (const option of ['--chargers', '--speed', '--help']) expect(START_HELP).toContain(option);
});
