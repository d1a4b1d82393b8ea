import { availableParallelism } from 'node:os';

/** Unit tests (`*.test.ts`) need nothing but Node; integration tests (`*.int.test.ts`) need what `npm test` provides. */
const common = {
  testEnvironment: 'node',
  // Against hanging, not against being slow: machines are shared.
  testTimeout: 30_000,
  setupFiles: ['<rootDir>/test/support/fast-check.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.wattstream/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.wattstream/'],
};

/** @type {import('jest').Config} */
export default {
  // For hangs alone: how long a database or a process takes to start says nothing on a machine that is shared.
  testTimeout: 60_000,
  // Jest would leave one of two cores idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/{src,setup,test}/**/*.test.ts'],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, '\\.int\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'int',
      testMatch: ['<rootDir>/{src,setup,test}/**/*.int.test.ts'],
    },
  ],
};
