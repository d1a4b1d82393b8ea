/** Rules of charging, "Sessions", OCPP 1.6. What would break: two bills for one charge, or one for two. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { boot, meters, sample, start, status, stop, time } from '../../../test/oracle/frames.js';
import { sessionOf, tablesOf } from '../../../test/oracle/scenario.js';

/** RFC 9562, 5.5, written out: the identities of rows must never change by accident. */
function uuidv5(name: string): string {
  const namespace = Buffer.from('3f9ad5b45c1e5e0a9a446d1f0b5b7c21', 'hex');
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

describe('identity', () => {
  it('is UUIDv5 of charge point, transaction id, connector and start time', () => {
    const session = sessionOf(start('08:00', 0, { id: '77', connector: 2 }));
    expect(session.sessionId).toBe(uuidv5(`CP-1|77|2|${time('08:00')}`));
  });

  it('a resent start is the same session', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000),
      start('08:00', 1_000, { received: '08:01' }),
      start('08:00', 1_000, { received: '08:03' }),
    );
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ status: 'active', anomalies: [] });
  });

  it('a refused start is a session with auth_status, until the charger stops it', () => {
    const refused = start('08:00', 1_000, { auth: 'ConcurrentTx' });
    expect(sessionOf(refused)).toMatchObject({ status: 'active', authStatus: 'ConcurrentTx' });
    expect(sessionOf(refused, stop('08:01', 1_000, { reason: 'DeAuthorized' }))).toMatchObject({
      ...{ status: 'completed', authStatus: 'ConcurrentTx', stopReason: 'DeAuthorized', wh: 0 },
    });
  });

  it('idTags are compared without regard to case: the start resent in lower case is the same', () => {
    const { sessions } = tablesOf(start('08:00', 1_000), start('08:00', 1_000, { token: 'tag-1' }));
    expect(sessions).toHaveLength(1);
  });

  it('a second start with the same idTag and meterStart, no stop and no energy between, is an alias', () => {
    const session = sessionOf(
      start('08:00', 1_000, { id: '101' }),
      start('08:02', 1_000, { id: '102' }),
      meters([sample('08:10', 1_500)], { id: '102' }),
      stop('09:00', 3_000, { id: '102' }),
    );
    expect(session).toMatchObject({
      startedAt: time('08:00'),
      transactionId: '101',
      status: 'completed',
      wh: 2_000,
      held: false,
      findings: ['start_repeated'],
    });
  });

  it('the alias is found whichever of the two starts came first', () => {
    const session = sessionOf(
      start('08:02', 1_000, { id: '102', received: '08:02' }),
      start('08:00', 1_000, { id: '101', received: '08:05' }),
    );
    expect(session).toMatchObject({ startedAt: time('08:00'), transactionId: '101' });
  });

  it.each([
    ['a stop', stop('08:01', 1_000, { id: '101' })],
    ['energy', meters([sample('08:01', 1_001)], { id: '101' })],
  ])('a second start is a session of its own when %s lies between', (_, between) => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      between,
      start('08:02', 1_000, { id: '102' }),
    );
    expect(sessions.map((session) => session.transactionId)).toEqual(['101', '102']);
  });

  it('energy that is reported late still makes the second start a session of its own', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      start('08:02', 1_000, { id: '102' }),
      meters([sample('08:01', 1_001)], { id: '101', received: '08:30' }),
    );
    expect(sessions.map((session) => session.transactionId)).toEqual(['101', '102']);
  });

  it.each([
    ['another idTag', { token: 'TAG-2' }, 1_000],
    ['another connector', { connector: 2 }, 1_000],
    ['another meterStart', {}, 1_001],
  ])('a second start with %s is a session of its own', (_, change, meter) => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      start('08:02', meter, { id: '102', ...change }),
    );
    expect(sessions).toHaveLength(2);
  });

  it('an equal start after its stop and a later boot is another session, held', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000),
      stop('08:30', 2_000),
      boot('08:40'),
      start('08:00', 1_000, { received: '08:41' }),
    );
    expect(sessions).toHaveLength(2);
    expect(new Set(sessions.map((session) => session.sessionId)).size).toBe(2);
    const reused = sessions.find((session) => session.anomalies.some(({ kind }) => kind === 'id_reused'));
    expect(reused).toMatchObject({ held: true, status: 'active' });
    expect(sessions.find((session) => session !== reused)).toMatchObject({
      held: false,
      energyMilli: 1_000_000,
    });
  });

  it('an equal start after its stop without a boot is a resend', () => {
    expect(sessionOf(start('08:00', 1_000), stop('08:30', 2_000), start('08:00', 1_000))).toMatchObject({
      status: 'completed',
      wh: 1_000,
    });
  });

  it("an id is resolved per charger: the latest start before the frame's own time", () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '5' }),
      start('12:00', 5_000, { id: '5' }),
      // The first session's frames come last.
      meters([sample('12:30', 5_500)], { id: '5' }),
      stop('13:00', 6_000, { id: '5' }),
      meters([sample('08:30', 1_500)], { id: '5', received: '13:10' }),
      stop('09:00', 2_000, { id: '5', received: '13:11' }),
    );
    expect(sessions).toMatchObject([
      { startedAt: time('08:00'), stoppedAt: time('09:00'), energyMilli: 1_000_000 },
      { startedAt: time('12:00'), stoppedAt: time('13:00'), energyMilli: 1_000_000 },
    ]);
  });

  it('the same id at two chargers is two sessions', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '5' }),
      start('08:00', 7_000, { id: '5', chargePoint: 'CP-2' }),
      stop('09:00', 9_000, { id: '5', chargePoint: 'CP-2' }),
    );
    expect(sessions.map(({ chargePointId, status }) => [chargePointId, status])).toEqual([
      ['CP-1', 'active'],
      ['CP-2', 'completed'],
    ]);
  });
});

describe('a start', () => {
  it('that was refused is a session with its auth_status', () => {
    expect(sessionOf(start('08:00', 1_000, { auth: 'Invalid' }))).toMatchObject({
      authStatus: 'Invalid',
      status: 'active',
    });
  });

  it('gives the session station, account and tariff; the first enriched record wins', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      start('08:00', 1_000, { station: 'st-1', account: 'ac-1', tariff: 'day@3' }),
      start('08:00', 1_000, { station: 'st-2', account: 'ac-2', tariff: 'day@4' }),
    );
    expect(session).toMatchObject({ stationId: 'st-1', accountId: 'ac-1', tariff: 'day@3' });
  });
});

describe('a stop', () => {
  it('resent, and resent with another reason, changes nothing but what it adds', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000),
      stop('09:00', 2_000, { reason: 'PowerLoss' }),
      stop('09:00', 2_000),
    );
    expect(session).toMatchObject({ stopReason: 'PowerLoss', wh: 1_000, findings: [] });
  });

  it('without a reason means Local (OCPP 1.6, 6.49)', () => {
    expect(sessionOf(start('08:00', 0), stop('09:00', 10))).toMatchObject({ stopReason: 'Local' });
  });

  it.each(['0', '-1', '-20'])('for id %s goes to the only open session, which is held', (id) => {
    const session = sessionOf(
      start('08:00', 1_000, { id: '101' }),
      stop('09:00', 2_500, { id, token: 'tag-1' }),
    );
    expect(session).toMatchObject({
      status: 'completed',
      wh: 1_500,
      held: true,
      findings: ['stop_matched'],
      stoppedAt: time('09:00'),
    });
  });

  it.each([
    ['it stopped before the session began', stop('07:59', 2_000, { id: '-1' })],
    ['its meter is below meterStart', stop('09:00', 999, { id: '-1' })],
    ['its token is another', stop('09:00', 2_000, { id: '-1', token: 'TAG-9' })],
  ])('for an unknown transaction is an orphan when %s', (_, unknown) => {
    const { sessions } = tablesOf(start('08:00', 1_000), unknown);
    expect(sessions.map((session) => session.status).sort()).toEqual(['active', 'orphan']);
  });

  it('for an unknown transaction is an orphan when two sessions could be meant', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101', connector: 1 }),
      start('08:10', 1_000, { id: '102', connector: 2 }),
      stop('09:00', 2_000, { id: '-1' }),
    );
    expect(sessions.map((session) => session.status)).toEqual(['active', 'active', 'orphan']);
  });

  it('for an unknown transaction never ends a session that has its own stop', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000),
      stop('08:30', 1_500),
      stop('09:00', 2_000, { id: '-1' }),
    );
    expect(sessions.map((session) => session.status)).toEqual(['completed', 'orphan']);
    expect(sessions[0]).toMatchObject({ energyMilli: 500_000, held: false });
  });

  it('that is an orphan is shown and never billed; its id comes from what it says', () => {
    const session = sessionOf(stop('09:00', 2_000, { id: '-1', token: 'TAG-1' }));
    expect(session).toMatchObject({
      sessionId: uuidv5(`CP-1|orphan|-1|${time('09:00')}|2000000`),
      status: 'orphan',
      wh: null,
      held: true,
      idToken: 'TAG-1',
    });
  });

  it('with -1 repeats: two of them are two orphans', () => {
    const { sessions } = tablesOf(
      stop('09:00', 2_000, { id: '-1' }),
      stop('11:00', 3_000, { id: '-1' }),
      stop('11:00', 3_000, { id: '-1' }),
    );
    expect(sessions.map((session) => session.status)).toEqual(['orphan', 'orphan']);
  });

  it('that was an orphan and finds its session later leaves no orphan behind', () => {
    const { sessions } = tablesOf(
      stop('09:00', 2_000, { id: '-1', received: '09:00' }),
      start('08:00', 1_000, { id: '101', received: '09:01' }),
    );
    expect(sessions).toMatchObject([{ status: 'completed', transactionId: '101', energyMilli: 1_000_000 }]);
  });

  it("gives way: the session's own stop makes an earlier match an orphan again", () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      stop('09:00', 2_500, { id: '-1' }),
      stop('08:45', 2_000, { id: '101', received: '09:05' }),
    );
    expect(sessions).toMatchObject([
      { status: 'completed', energyMilli: 1_000_000, held: false, stoppedAt: time('08:45') },
      { status: 'orphan' },
    ]);
  });
});

describe('a session', () => {
  it('is not closed by a boot: chargers resume', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      boot('08:20'),
      meters([sample('08:30', 1_400)]),
      stop('09:00', 2_000),
    );
    expect(session).toMatchObject({ status: 'completed', wh: 1_000, held: false });
  });

  it('is abandoned when its connector starts another one; its end is the last evidence', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      meters([sample('08:20', 1_400)], { id: '101' }),
      start('10:00', 2_000, { id: '102', token: 'TAG-2' }),
    );
    expect(sessions).toMatchObject([
      { status: 'abandoned', stoppedAt: time('08:20'), energyMilli: 400_000 },
      { status: 'active' },
    ]);
  });

  it('is not abandoned when another connector starts one', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      start('10:00', 2_000, { id: '102', connector: 2 }),
    );
    expect(sessions.map((session) => session.status)).toEqual(['active', 'active']);
  });

  it('is abandoned when its connector reports Available after a boot', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:20', 1_400)]),
      boot('08:30'),
      status('08:31', 'Available'),
    );
    expect(session).toMatchObject({ status: 'abandoned', stoppedAt: time('08:20'), wh: 400 });
  });

  it.each([
    ['without a boot', [status('08:31', 'Available')]],
    ['before the boot', [status('08:29', 'Available'), boot('08:30')]],
    ['of another connector', [boot('08:30'), status('08:31', 'Available', { connector: 2 })]],
    ['of a time before the session', [boot('08:30'), status('07:00', 'Available', { received: '08:31' })]],
  ])('is not abandoned by an Available %s', (_, frames) => {
    const session = sessionOf(
      start('08:00', 1_000),
      ...frames,
      meters([sample('08:40', 1_300)], { id: null }),
    );
    expect(session.status).toBe('active');
  });

  it('is not abandoned by an Available of a time before it, whatever is looked at next', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000),
      boot('08:30'),
      status('07:00', 'Available', { received: '08:31' }),
      start('08:40', 500, { id: '102', connector: 2 }),
    );
    expect(sessions.map((session) => session.status)).toEqual(['active', 'active']);
  });

  it('that was abandoned is reopened by a frame that arrives later', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      boot('08:30'),
      status('08:31', 'Available'),
      meters([sample('08:40', 1_900)]),
    );
    expect(session).toMatchObject({ status: 'active', stoppedAt: null, wh: 900 });
  });

  it('that was abandoned is completed by a stop that arrives later', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      boot('08:30'),
      status('08:31', 'Available'),
      stop('08:25', 1_800, { received: '08:45' }),
    );
    expect(session).toMatchObject({ status: 'completed', stoppedAt: time('08:25'), wh: 800 });
  });

  it('that ended says when the connector was free again', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      stop('09:00', 2_000),
      status('09:00:01', 'Finishing'),
      status('09:12', 'Available'),
      status('10:00', 'Available'),
    );
    expect(session.unpluggedAt).toBe(time('09:12'));
  });

  it('does not take the next customer unplugging for its own', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '101' }),
      stop('09:00', 2_000, { id: '101' }),
      start('09:30', 2_000, { id: '102', token: 'TAG-2' }),
      stop('10:00', 3_000, { id: '102' }),
      status('10:05', 'Available'),
    );
    expect(sessions.map((session) => session.unpluggedAt)).toEqual([null, time('10:05')]);
  });
});
