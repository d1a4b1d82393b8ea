/** Nobody runs a broken product by accident: its entry points want to be told that they are wanted. */
export const ON_PURPOSE = 'WATTSTREAM_CHAOS_BROKEN';

/** Ends the process unless the environment says why it should run. */
export function onPurpose(what: string): void {
  if (process.env[ON_PURPOSE] === what) return;
  process.stderr.write(
    `This program is broken on purpose (${what}), for the tests of the chaos suite alone. It loses data.\n`,
  );
  process.exit(78); // EX_CONFIG of sysexits(3)
}
