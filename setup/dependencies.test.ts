import { expect, test } from '@jest/globals';
import { isInstalled } from './dependencies.mjs';

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/zod': { version: '4.6.7' },
    'node_modules/@chdb/lib-linux-arm64-gnu': { version: '1.0.0', optional: true },
  },
};

test('what the lockfile asks for is there, other platforms left out, something more beside it: no npm run', () => {
  const installed = {
    packages: { 'node_modules/zod': { version: '4.6.7' }, 'node_modules/extra': { version: '1.0.0' } },
  };
  expect(isInstalled(wanted, installed)).toBe(true);
});

test.each([
  ['nothing, or an installation that was broken off', undefined],
  ['another version', { packages: { 'node_modules/zod': { version: '4.6.6' } } }],
  ['a package missing', { packages: {} }],
  [
    'an optional package of another version',
    {
      packages: {
        'node_modules/zod': { version: '4.6.7' },
        'node_modules/@chdb/lib-linux-arm64-gnu': { version: '0.9.0', optional: true },
      },
    },
  ],
])('%s: dependencies are installed', (_what, installed) => {
  expect(isInstalled(wanted, installed)).toBe(false);
});
