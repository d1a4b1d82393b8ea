import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { simulate } from './fleet.js';
import { SCENARIOS, scenarioNamed } from './scenarios/index.js';
import { grouped, HOUR, MINUTE, START, Stage, saidBy, until } from './testing/stage.js';

jest.setTimeout(30_000);
const stage = new Stage();
afterEach(() => stage.close());

describe.each(SCENARIOS)('scenario $name', ({ name }) => {
  const durationMs = name === 'steady' ? HOUR / 4 : 2 * HOUR;

  it('ends with every session closed, every frame answered, and in the ledger what the server got', async () => {
    const ledger = await stage.run({ scenario: name, chargers: 10, durationMs });
    const sessions = ledger.sessionList();
    expect(sessions.length).toBeGreaterThan(5);
    expect(sessions.filter((session) => !session.closed)).toEqual([]);
    expect(ledger.frames.filter((frame) => frame.answers.length === 0)).toEqual([]);
    expect(ledger.counts).toMatchObject({ timeouts: 0, callErrors: 0, discarded: 0, refusals: 0 });
    // A frame cut off on the wire may or may not have arrived; all the others did, as often as they were sent.
    const got = grouped(stage.csms.received, ({ text }) => text);
    for (const { text, answers, transmissions } of ledger.frames) {
      const copies = got.get(text)?.length ?? 0;
      expect(copies).toBeGreaterThanOrEqual(answers.length);
      expect(copies).toBeLessThanOrEqual(transmissions);
    }
    expect(got.size).toBe(ledger.frames.length);
  });

  it('says the same, byte for byte, for the same seed, and something else for another', async () => {
    const options = { scenario: name, chargers: 6, durationMs };
    let delay = 0;
    const [first, again, other] = [
      await stage.run(options),
      await stage.run(options, { delayMs: () => delay++ % 3 }),
      await stage.run({ ...options, seed: 2 }),
    ];
    expect(saidBy(again.frames)).toEqual(saidBy(first.frames));
    expect(saidBy(other.frames)).not.toEqual(saidBy(first.frames));
    expect(again.sessionList()).toEqual(first.sessionList());
  });
});

it('a fast run paced by the clock says the same as one at unlimited speed', async () => {
  const options = { scenario: 'blackout', chargers: 6, durationMs: HOUR };
  const unpaced = await stage.run(options);
  const paced = await stage.run({ ...options, speed: 5_000 });
  expect(saidBy(paced.frames)).toEqual(saidBy(unpaced.frames));
});

it('a charger does the same in a small fleet as in a large one', async () => {
  const options = { scenario: 'rush-hour', durationMs: HOUR / 2, version: '1.6' as const };
  const small = await stage.run({ ...options, chargers: 2 });
  const large = await stage.run({ ...options, chargers: 12 });
  expect(saidBy(large.frames)['SIM-0002']).toEqual(saidBy(small.frames)['SIM-0002']);
});

describe('a run', () => {
  it.each(SCENARIOS.filter(({ durationMs }) => Number.isFinite(durationMs)))(
    '$name, begun by default, is over before now: a server may distrust the future',
    async ({ name }) => {
      const ledger = await stage.run({ scenario: name, chargers: 10, startAt: undefined });
      const stops = ledger.sessionList().map(({ stoppedAt }) => stoppedAt!);
      expect(Math.max(...stops)).toBeLessThan(Date.now());
    },
  );

  it('steady: a session is charging within the first second', async () => {
    const fleet = await stage.live({ chargers: 20, scenario: 'steady' });
    await until(() => fleet.ledger.counts.sessionsStarted > 0);
    expect(fleet.ledger.sessionList()[0]!.startedAt - START).toBeLessThan(1_000);
  });

  it('steady at 200 times life: after ten virtual minutes most chargers have had a car', async () => {
    const fleet = await stage.live({
      chargers: 20,
      scenario: 'steady',
      speed: 200,
      durationMs: 10 * MINUTE,
      until: 'duration',
    });
    await fleet.done;
    expect(
      new Set([...fleet.ledger.sessions].map(({ chargePointId }) => chargePointId)).size,
    ).toBeGreaterThan(15);
  });

  it('stops at once when told to: sockets closed with 1000, sessions left open', async () => {
    const fleet = await stage.live({ chargers: 20, scenario: 'steady' });
    await until(() => fleet.ledger.counts.sessionsStarted > 0 && stage.csms.online().length === 20);
    // Their sessions would last for hours: it has not waited for them.
    await fleet.stop();
    await until(() => stage.csms.closes.length === 20);
    expect(stage.csms.closes.every(({ code }) => code === 1000)).toBe(true);
    expect([...fleet.ledger.sessions].some(({ closed }) => !closed)).toBe(true);
    await fleet.done;
  });

  it('stops at its duration when that is what was asked, at any speed', async () => {
    // Not so fast that a busy machine is past the end before the first car has come.
    for (const speed of [Number.POSITIVE_INFINITY, 1_000]) {
      const ledger = await stage.run({
        scenario: 'rush-hour',
        chargers: 5,
        durationMs: HOUR / 2,
        until: 'duration',
        speed,
      });
      expect([...ledger.sessions].some(({ closed }) => !closed)).toBe(true);
    }
  });

  it('can be aborted', async () => {
    await stage.serve();
    const abort = new AbortController();
    const ended = simulate({
      url: stage.csms.url,
      scenario: 'steady',
      chargers: 3,
      signal: abort.signal,
    });
    await until(() => stage.csms.online().length === 3);
    abort.abort();
    expect((await ended).counts.connects).toBe(3);
  });

  it('keeps only what is open when told not to keep: memory does not grow with time', async () => {
    const ledger = await stage.run({ scenario: 'rush-hour', chargers: 5, keep: false });
    expect(ledger.counts.sessionsClosed).toBeGreaterThan(10);
    expect([ledger.sessions.size, ledger.frames.length]).toEqual([0, 0]);
  });

  it('names the scenarios there are when asked for another', () => {
    expect(() => scenarioNamed('apocalypse')).toThrow(/apocalypse/);
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  });
});
