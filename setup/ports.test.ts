import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { accepts, bindable, freePorts } from './ports.mjs';

test('ports of the start before are kept where they are free, and replaced where they are not', async () => {
  const [free] = await freePorts([undefined]);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const busy = typeof address === 'object' && address ? address.port : 0;
  try {
    expect(await bindable(busy)).toBeUndefined();
    expect(await accepts('127.0.0.1', busy)).toBe(true);
    const [first, second, third] = await freePorts([free, busy, free]);
    expect(first).toBe(free);
    expect(new Set([first, second, third, busy]).size).toBe(4);
  } finally {
    taken.close();
  }
});

test('nobody home is an answer, not an error', async () => {
  const [free] = await freePorts([undefined]);
  expect(await accepts('127.0.0.1', free as number)).toBe(false);
});
