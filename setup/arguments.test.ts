import { expect, test } from '@jest/globals';
import { CHAOS_HELP, chaosArguments, START_HELP, startArguments } from './arguments.mjs';

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

test('chaos: defaults, and a seed that is drawn when none is given', () => {
  expect(chaosArguments([])).toMatchObject({
    help: false,
    minutes: 3,
    faults: 40,
    chargers: 24,
    cluster: false,
    seed: expect.any(Number),
  });
  expect(chaosArguments(['--seed', '7', '--minutes=0.5', '--only', 'zombie,full-disk'])).toMatchObject({
    seed: 7,
    minutes: 0.5,
    only: ['zombie', 'full-disk'],
  });
});

test.each([
  [['--minutes', '0'], '--minutes 0'],
  [['--faults', '2.5'], '--faults 2.5'],
  [['--chargers', '1'], '--chargers 1'],
  [['--seed', ''], '--seed'],
  [['--sed', '1'], 'sed'],
])('chaos: %j is refused by name', (argv, named) => {
  expect(() => chaosArguments(argv)).toThrow(
    expect.objectContaining({ message: expect.stringContaining(named) }),
  );
});

test('the help of chaos names every option', () => {
  for (const option of ['seed', 'minutes', 'faults', 'chargers', 'cluster', 'only', 'report', 'keep'])
    expect(CHAOS_HELP).toContain(`--${option}`);
});
