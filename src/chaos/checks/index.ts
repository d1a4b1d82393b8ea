import { announcements } from './announcements.js';
import { answeredIsKept } from './answered-is-kept.js';
import { archive } from './archive.js';
import type { Check } from './check.js';
import { inOrderAndOnce } from './in-order-and-once.js';
import { oracle } from './oracle.js';
import { secondPass } from './second-pass.js';

/** Every check there is, in the order in which they run. */
export const CHECKS: readonly Check[] = [
  answeredIsKept,
  inOrderAndOnce,
  archive,
  oracle,
  secondPass,
  announcements,
];
