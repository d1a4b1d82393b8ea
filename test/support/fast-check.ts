/**
 * Where properties begin. A check of a change must say the same twice, so with CI set the seed is fixed;
 * elsewhere every run looks somewhere new, and a failure prints the seed (and path) with which it is seen again.
 */
import fc from 'fast-check';

const CI_SEED = 20_261_123;
const { CI, FAST_CHECK_SEED, FAST_CHECK_PATH } = process.env;

fc.configureGlobal({
  ...(FAST_CHECK_SEED ? { seed: Number(FAST_CHECK_SEED) } : CI ? { seed: CI_SEED } : {}),
  ...(FAST_CHECK_PATH ? { path: FAST_CHECK_PATH } : {}),
});
