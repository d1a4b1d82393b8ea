/** The damageable wire of the chaos suite, for tests that damage one wire at a time. */
export * from '../src/chaos/system/tcp-proxy.js';
