/** What tests and the chaos suite ask of a fleet beside playing a scenario to its end. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Fleet, startFleet } from './fleet.js';
import { type Csms, startCsms } from './testing/csms.js';

let csms: Csms[];
let fleet: Fleet | undefined;
beforeEach(async () => {
  csms = [await startCsms(), await startCsms()];
});
afterEach(async () => {
  await fleet?.stop();
  await Promise.all(csms.map((one) => one.close()));
});

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition(); ) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a fleet with two addresses', () => {
  it('is spread over both, and moves to the other one when a line is lost', async () => {
    const [first, second] = csms as [Csms, Csms];
    fleet = startFleet({
      url: [first.url, second.url],
      chargers: 4,
      reconnect: { firstMs: 10, maxMs: 50 },
    });
    await until(() => first.online().length === 2 && second.online().length === 2);
    const moving = first.online().sort();
    first.drop();
    await until(() => second.online().length === 4);
    expect(second.online().sort()).toEqual(expect.arrayContaining(moving));
  });
});

describe('closing the doors', () => {
  it('lets those who are here finish, and nobody else in', async () => {
    fleet = startFleet({
      url: (csms[0] as Csms).url,
      chargers: 3,
      scenario: 'rush-hour',
      durationMs: Number.POSITIVE_INFINITY,
      speed: 3_000,
    });
    const { ledger } = fleet;
    await until(() => ledger.counts.sessionsStarted >= 5);
    fleet.closeDoors();
    await fleet.done;
    expect(ledger.counts.sessionsClosed).toBe(ledger.counts.sessionsStarted);
    expect(fleet.progress().sessionsOpen).toBe(0);
  });
});
