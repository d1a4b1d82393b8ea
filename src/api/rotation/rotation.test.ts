/** A charger gets a new key over OCPP; whatever dies in between, it gets in afterwards, and nobody reads the key. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  answering,
  type CmsStage,
  callsTo,
  cmsStage,
  eventually,
  PASSWORD,
} from '../../../test/support/cms-stage.js';
import { aWhile, type TestCharger } from '../../../test/support/ingest.js';
import { withRotationBegun } from '../../domain/registry/rotating.js';
import { hashPassword } from '../../registry/passwords.js';

let stage: CmsStage;
beforeEach(async () => {
  stage = await cmsStage({ seconds: 3 });
  await stage.point();
});
afterEach(() => stage.close());

const rotate = (body?: object, headers?: Record<string, string>, api = stage.first) =>
  api.ask('POST', '/api/cms/points/CP-1/rotate-password', body, headers);
const shown = async () => (await stage.first.ask('GET', '/api/cms/points/CP-1')).body;
const stateOf = () => stage.pointOf()?.rotation?.state;

/** The key that a 1.6 charger was given: the bytes that it will send. */
function given(charger: TestCharger): Buffer {
  const payload = callsTo(charger).at(-1)?.payload;
  expect(payload).toEqual({ key: 'AuthorizationKey', value: expect.stringMatching(/^[0-9a-f]{40}$/) });
  return Buffer.from(String(payload?.value), 'hex');
}
const left = async (charger: TestCharger): Promise<void> => {
  charger.socket.close();
  await charger.closed;
  await eventually(async () => (await stage.queues.sender().locate('CP-1')) === undefined);
};

describe('the charger has spoken', () => {
  test('accepted: from now on the new key alone (A01.FR.03); it is told as a change, and found nowhere in clear', async () => {
    const charger = await stage.charger();
    answering(charger, () => ({ status: 'Accepted' }));
    const { status, body } = await rotate();
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { chargingPointId: 'CP-1', rotation: { state: 'accepted' }, command: { state: 'accepted' } },
    });
    expect(body.command.payload).toEqual({ key: 'AuthorizationKey', value: '***' });
    const key = given(charger);
    expect(await shown()).toMatchObject({
      version: 3,
      rotation: { state: 'accepted', commandId: body.command.id },
    });
    expect(await stage.knock('CP-1', PASSWORD)).toBe(401);
    expect(await stage.knock('CP-1', key)).toBe(101);
    // Some makes send the digits.
    expect(await stage.knock('CP-1', key.toString('hex'))).toBe(101);
    expect(
      stage.queues.notifications.filter(({ type }) => type === 'cms.point.updated').map(({ event }) => event),
    ).toMatchObject([
      { state: { rotation: { state: 'sent' } } },
      { state: { rotation: { state: 'accepted' } } },
    ]);

    await stage.first.ask('GET', '/api/cms/points/CP-1/history');
    await stage.first.ask('GET', '/api/cms/export/points');
    await stage.first.ask('GET', '/api/charger/commands?chargePointId=CP-1');
    const lines = stage.lines();
    expect(lines.length).toBeGreaterThan(15);
    for (const clear of [key.toString('hex'), key.toString('base64'), key.toString('latin1')])
      expect(lines.filter((line) => line.toLowerCase().includes(clear.toLowerCase()))).toEqual([]);
    // The hashes are in the registry's own log, and nowhere else.
    const hashes = lines.filter((line) => line.includes('scrypt$'));
    expect(hashes.every((line) => line.includes('"routingKey":"cms.point.'))).toBe(true);
  });

  test('2.x: SecurityCtrlr.BasicAuthPassword, 40 letters and digits, in no record', async () => {
    const charger = await stage.charger('CP-1', 'ocpp2.0.1');
    answering(charger, (_, { setVariableData }) => {
      const [{ component, variable }] = setVariableData as [{ component: object; variable: object }];
      return { setVariableResult: [{ attributeStatus: 'Accepted', component, variable }] };
    });
    expect(await rotate({})).toMatchObject({ status: 200, body: { rotation: { state: 'accepted' } } });
    const [data] = (callsTo(charger).at(-1)?.payload.setVariableData ?? []) as { attributeValue: string }[];
    expect(data).toMatchObject({
      component: { name: 'SecurityCtrlr' },
      variable: { name: 'BasicAuthPassword' },
      attributeValue: expect.stringMatching(/^[A-Za-z0-9]{40}$/),
    });
    expect(await stage.knock('CP-1', data?.attributeValue ?? '')).toBe(101);
    expect(stage.lines().filter((line) => line.includes(data?.attributeValue ?? ''))).toEqual([]);
  });

  test.each([
    ['Rejected', { status: 'Rejected' }],
    ['NotSupported', { status: 'NotSupported' }],
    ['a CALLERROR', 'InternalError'],
  ])('%s: the old key goes on, the new one is taken away (A01.FR.04)', async (_, answer) => {
    const charger = await stage.charger();
    answering(charger, () => answer);
    expect(await rotate()).toMatchObject({ status: 200, body: { rotation: { state: 'refused' } } });
    expect(stage.pointOf()).not.toHaveProperty('nextPasswordHash');
    expect(await stage.knock('CP-1', given(charger))).toBe(401);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
  });

  test('RebootRequired: both, also when it comes back with the old one (then another may begin), until it comes with the new one', async () => {
    const charger = await stage.charger();
    answering(charger, () => ({ status: 'RebootRequired' }));
    expect(await rotate()).toMatchObject({
      status: 200,
      body: { rotation: { state: 'reboot-required', detail: expect.stringContaining('reset it') } },
    });
    const key = given(charger);
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'ROTATION_OPEN' } });
    await left(charger);
    const again = await stage.charger();
    await eventually(() => stateOf() === 'unconfirmed');
    await left(again);
    await stage.charger('CP-1', 'ocpp1.6', key);
    await eventually(() => stateOf() === 'accepted');
    expect(await stage.knock('CP-1', PASSWORD)).toBe(401);
  });
});

describe('the charger has not spoken', () => {
  test('no answer: both are let in; that it came with the new key settles it, whichever api hears of it', async () => {
    await stage.api();
    const charger = await stage.charger();
    expect(await rotate()).toMatchObject({
      status: 504,
      body: { code: 'COMMAND_TIMED_OUT', command: { delivery: 'delivery-unknown' } },
    });
    expect((await shown()).rotation).toMatchObject({ state: 'unknown' });
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'ROTATION_OPEN' } });
    const key = given(charger);
    await left(charger);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
    await stage.charger('CP-1', 'ocpp1.6', key);
    await eventually(() => stateOf() === 'accepted');
    expect(await stage.knock('CP-1', PASSWORD)).toBe(401);
    expect(await stage.knock('CP-1', key)).toBe(101);
    const accepted = stage.queues.notifications.filter(({ event }) =>
      JSON.stringify(event).includes('"state":"accepted"'),
    );
    expect(accepted).toHaveLength(1);
  });

  test('no answer, and it comes back with the old key: it is told so, another rotation may begin, nobody is locked out', async () => {
    const charger = await stage.charger();
    await rotate();
    const lost = given(charger);
    await left(charger);
    answering(await stage.charger(), () => ({ status: 'Accepted' }));
    await eventually(() => stateOf() === 'unconfirmed');
    // It may take that key with its next boot (1.6 RebootRequired, whose answer was lost).
    expect(await stage.knock('CP-1', lost)).toBe(101);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
    answering(await stage.charger(), () => ({ status: 'Accepted' }));
    expect(await rotate()).toMatchObject({ status: 200, body: { rotation: { state: 'accepted' } } });
    expect(await stage.knock('CP-1', lost)).toBe(401);
  });

  test('another one that is not sent, or refused, leaves the key of the first: the charger takes it with its next boot, and gets in', async () => {
    const charger = await stage.charger();
    await rotate();
    const lost = given(charger);
    await left(charger);
    const again = await stage.charger();
    await eventually(() => stateOf() === 'unconfirmed');
    stage.queues.fates.push('offline');
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'CHARGER_OFFLINE' } });
    expect(stateOf()).toBe('unconfirmed');
    answering(again, () => ({ status: 'Rejected' }));
    expect(await rotate()).toMatchObject({ status: 200, body: { rotation: { state: 'unconfirmed' } } });
    const refused = given(again);
    await left(again);
    expect(await stage.knock('CP-1', refused)).toBe(401);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
    await stage.charger('CP-1', 'ocpp1.6', lost);
    await eventually(() => stateOf() === 'accepted');
    expect(await stage.knock('CP-1', PASSWORD)).toBe(401);
    // Nobody is shown any of them, by whatever name.
    expect(JSON.stringify([await shown(), stage.queues.notifications])).not.toContain('PasswordHash');
  });

  test('it never answers and stays connected: later another one may begin, and gets in with whichever key it took', async () => {
    const charger = await stage.charger();
    await rotate();
    const first = given(charger);
    const api = await stage.api({ now: () => Date.now() + 60_000 });
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'ROTATION_OPEN' } });
    expect(await rotate(undefined, undefined, api)).toMatchObject({ status: 504 });
    const second = given(charger);
    expect(second).not.toEqual(first);
    await left(charger);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
    expect(await stage.knock('CP-1', second)).toBe(101);
    await stage.charger('CP-1', 'ocpp1.6', first);
    await eventually(() => !('earlierNextPasswordHashes' in (stage.pointOf() ?? {})));
    expect(await stage.knock('CP-1', PASSWORD)).toBe(401);
    expect(await stage.knock('CP-1', second)).toBe(101);
  });

  test('the same connection says nothing: it was let in before the key was sent', async () => {
    await stage.charger();
    await rotate();
    await aWhile(300);
    expect(stateOf()).toBe('unknown');
  });

  test('away: 409 at once, nothing is changed, and no queue holds a key', async () => {
    const { status, body } = await rotate();
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'CHARGER_OFFLINE' });
    expect(stage.pointOf()).not.toHaveProperty('rotation');
    expect(stage.queues.kept).toEqual([]);
    expect(stage.queues.commands).toEqual([]);
  });

  test('gone in the moment between: 409, and the old key alone', async () => {
    await stage.charger();
    stage.queues.fates.push('offline');
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'CHARGER_OFFLINE' } });
    expect(stateOf()).toBe('not-sent');
    expect(stage.pointOf()).not.toHaveProperty('nextPasswordHash');
  });
});

describe('the api is killed', () => {
  test('before the command was sent: another one takes the new key away, when it can not be sent any more', async () => {
    const commandId = '6f1c4a5e-3d0b-4d55-9a55-1f2e3d4c5b6a';
    const at = new Date().toISOString();
    const begun = withRotationBegun(stage.pointOf() as never, {
      nextPasswordHash: await hashPassword('f'.repeat(40)),
      commandId,
      at,
    });
    await stage.put('point', begun, 'CP-1');
    await eventually(async () => (await stage.knock('CP-1', 'f'.repeat(40))) === 101);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
    expect(stateOf()).toBe('sent');
    await stage.api({ now: () => Date.now() + 10 * 60_000 });
    await eventually(() => stateOf() === 'not-sent');
    expect(await stage.knock('CP-1', 'f'.repeat(40))).toBe(401);
    expect(await stage.knock('CP-1', PASSWORD)).toBe(101);
  });

  test('after it: what the charger said is in the log, and another one puts it into the registry', async () => {
    const dying = await stage.api({ patienceMs: 60_000 });
    const charger = await stage.charger();
    let answer = (): void => {};
    answering(charger, () => undefined);
    void rotate(undefined, { prefer: 'respond-async' }, dying);
    const { id } = await eventually(() => callsTo(charger)[0]);
    answer = () => charger.send(JSON.stringify([3, id, { status: 'Accepted' }]));
    // Its writes come to nothing from now on.
    dying.store.propose = () => new Promise(() => {});
    await dying.die();
    expect(stateOf()).toBe('sent');
    answer();
    await eventually(() => stateOf() === 'accepted');
    expect(await stage.knock('CP-1', given(charger))).toBe(101);
    expect(stage.pointOf()?.rotation?.commandId).toBe(id);
  });
});

describe('what cannot be', () => {
  test.each([
    [0, 'without a key'],
    [3, 'a certificate'],
  ])('security profile %d has no key: 422', async (securityProfile, why) => {
    await stage.put('point', { ...stage.pointOf(), passwordHash: undefined, securityProfile }, 'CP-1');
    expect(await rotate()).toMatchObject({
      status: 422,
      body: { code: 'ROTATION_IMPOSSIBLE', detail: expect.stringContaining(why) },
    });
  });

  test('a charger that was not let in by the key of the registry: it could not come back with a new one', async () => {
    await stage.charger();
    await stage.put(
      'point',
      { ...stage.pointOf(), passwordHash: await hashPassword('another key of it') },
      'CP-1',
    );
    expect(await rotate()).toMatchObject({ status: 422, body: { code: 'ROTATION_IMPOSSIBLE' } });
    expect(stage.queues.commands).toEqual([]);
  });

  test('an own password must be one that the version takes, and is not said back', async () => {
    const charger = await stage.charger();
    answering(charger, () => ({ status: 'Accepted' }));
    const refused = await rotate({ password: 'no hexadecimal digits' });
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'PASSWORD_UNFIT', errors: [{ field: 'password' }] },
    });
    expect(JSON.stringify(refused.body)).not.toContain('no hexadecimal digits');
    const own = 'ABCDEF0123456789abcdef0123456789abcdef01';
    expect(await rotate({ password: own })).toMatchObject({ status: 200 });
    expect(await stage.knock('CP-1', own)).toBe(101);
    expect(stage.lines().filter((line) => line.includes(own))).toEqual([]);
  });

  test('two at once: one is told 409, and the charger gets one key', async () => {
    const charger = await stage.charger();
    answering(charger, () => ({ status: 'Accepted' }));
    const other = await stage.api();
    const both = await Promise.all([rotate(), rotate(undefined, undefined, other)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(callsTo(charger)).toHaveLength(1);
    expect(await stage.knock('CP-1', given(charger))).toBe(101);
  });

  test('202 at once for who does not wait; it ends all the same', async () => {
    answering(await stage.charger(), () => ({ status: 'Accepted' }));
    expect(await rotate(undefined, { prefer: 'respond-async' })).toMatchObject({
      status: 202,
      body: { rotation: { state: 'sent' }, command: null },
    });
    await eventually(() => stateOf() === 'accepted');
  });
});

describe('a change of the charging point meanwhile', () => {
  test('keeps the key that is on its way, which nobody can give or take away; a new password ends what is in doubt', async () => {
    const charger = await stage.charger();
    await rotate();
    const key = given(charger);
    const body = await shown();
    const put = async (more: object) => {
      const { version } = await shown();
      return stage.first.ask(
        'PUT',
        '/api/cms/points/CP-1',
        { ...body, ...more },
        { 'if-match': `"${version}"` },
      );
    };
    expect(await put({ name: 'By the gate' })).toMatchObject({
      status: 200,
      body: { rotation: { state: 'unknown' } },
    });
    expect(await put({ rotation: { state: 'accepted' } })).toMatchObject({
      body: { rotation: { state: 'unknown' } },
    });
    expect(await put({ nextPasswordHash: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'nextPasswordHash' }] },
    });
    expect(await stage.knock('CP-1', key)).toBe(101);
    expect((await put({ password: 'somebody set it on site' })).body).not.toHaveProperty('rotation');
    await eventually(async () => (await stage.knock('CP-1', key)) === 401);
    expect(await stage.knock('CP-1', 'somebody set it on site')).toBe(101);
  });
});
