/** Chargers' local lists follow the registry, whoever dies, refuses or was away; a lost card must not charge anywhere. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, type CmsStage, callsTo, cmsStage, eventually } from '../../../test/support/cms-stage.js';
import { aWhile, type TestCharger } from '../../../test/support/ingest.js';
import { examples } from '../../domain/registry/testing/examples.js';

let stage: CmsStage;
beforeEach(async () => {
  stage = await cmsStage();
  await stage.point('CP-1', { localList: 'all' });
});
afterEach(() => stage.close());

type Info = Record<string, unknown>;

/** A 1.6 charger's list as its flash memory keeps it, and a say in what it answers. */
class Lists {
  version = 0;
  readonly held = new Map<string, Info>();
  limits: Record<string, string> = { LocalAuthListMaxLength: '100', SendLocalListMaxLength: '10' };
  /** What it answers in place of the truth; 'silence': nothing. */
  says: (action: string, payload: Record<string, unknown>) => object | string | undefined = () => undefined;

  answer = (action: string, payload: Record<string, unknown>): object | string | undefined => {
    const said = this.says(action, payload);
    if (said !== undefined) return said === 'silence' ? undefined : said;
    switch (action) {
      case 'GetLocalListVersion':
        return { listVersion: this.version };
      case 'GetConfiguration':
        return {
          configurationKey: Object.entries(this.limits).map(([key, value]) => ({
            key,
            value,
            readonly: true,
          })),
        };
      case 'SendLocalList':
        return { status: this.take(payload) };
      default:
        return { status: 'Accepted' };
    }
  };

  private take({ listVersion, updateType, localAuthorizationList = [] }: Record<string, unknown>): string {
    const entries = localAuthorizationList as { idTag: string; idTagInfo?: Info }[];
    if (entries.length > Number(this.limits.SendLocalListMaxLength ?? 1_000)) return 'Failed';
    if (updateType === 'Full') this.held.clear();
    else if ((listVersion as number) <= this.version) return 'VersionMismatch';
    for (const { idTag, idTagInfo } of entries) {
      if (idTagInfo === undefined) this.held.delete(idTag);
      else this.held.set(idTag, idTagInfo);
    }
    this.version = listVersion as number;
    return 'Accepted';
  }

  get uids(): string {
    return [...this.held.keys()].sort().join(' ');
  }
}

const token = (uid: string, more: object | null = {}): Promise<unknown> => {
  const { account: _, ...base } = examples.token;
  return more === null
    ? stage.first.store.propose({ kind: 'token', id: uid, change: 'deleted', state: null, actor: 'test' })
    : stage.put('token', { ...base, uid, ...more }, uid);
};
async function charger(lists: Lists, id = 'CP-1'): Promise<TestCharger> {
  const one = await stage.charger(id);
  answering(one, lists.answer);
  return one;
}
const view = async (id = 'CP-1') => (await stage.first.ask('GET', `/api/cms/points/${id}/local-list`)).body;
const push = (body?: object) => stage.first.ask('POST', '/api/cms/points/CP-1/local-list/push', body);
const actionsTo = (one: TestCharger): string[] => callsTo(one).map(({ action }) => action);
const settled = () => eventually(() => stage.queues.wakes.length === 0);
const leave = async (one: TestCharger): Promise<void> => {
  one.socket.close();
  await one.closed;
  await eventually(async () => (await stage.queues.sender().locate('CP-1')) === undefined);
};

describe('a charger and the registry', () => {
  test('it gets the list when it comes, what changes while it is here, and what has changed while it was away', async () => {
    await token('A1', { group_id: 'FAMILY', expiresAt: '2099-01-01T00:00:00Z' });
    await token('B2', { status: 'NoCredit' });
    await token('ONCE', { whitelist: 'NEVER' });
    const lists = new Lists();
    const here = await charger(lists);
    await eventually(() => lists.uids === 'A1 B2');
    expect(Object.fromEntries(lists.held)).toEqual({
      A1: { status: 'Accepted', expiryDate: '2099-01-01T00:00:00.000Z', parentIdTag: 'FAMILY' },
      B2: { status: 'Blocked' },
    });
    expect(actionsTo(here)).toEqual(['GetLocalListVersion', 'GetConfiguration', 'SendLocalList']);
    await token('A1', null);
    await token('C3');
    await eventually(() => lists.uids === 'B2 C3');
    await settled();
    await leave(here);
    await token('B2', { status: 'Accepted' });
    await token('D4');
    await token('C3', null);
    await settled();
    const again = await charger(lists);
    await eventually(() => lists.uids === 'B2 D4');
    expect(lists.held.get('B2')).toEqual({ status: 'Accepted' });
    // Only what it lacked.
    const sent = callsTo(again).filter(({ action }) => action === 'SendLocalList');
    expect(sent[0]?.payload).toMatchObject({
      updateType: 'Differential',
      localAuthorizationList: [{ idTag: 'B2' }, { idTag: 'C3' }, { idTag: 'D4' }],
    });
    await settled();
    expect(await view()).toMatchObject({
      localList: 'all',
      wanted: { entries: 2, left: 0, tooLong: 0 },
      charger: { version: lists.version },
      upToDate: true,
      last: { action: 'SendLocalList', state: 'accepted', status: 'Accepted' },
    });
  });

  test('commands are on record as asked for by the system, and a list that is up to date costs one question', async () => {
    await token('A1');
    const lists = new Lists();
    const here = await charger(lists);
    await eventually(() => lists.uids === 'A1');
    await settled();
    // Once the version is later than the change by more than clocks differ.
    await eventually(async () => {
      await push();
      await settled();
      return (await view()).upToDate;
    });
    await leave(here);
    const again = await charger(lists);
    await eventually(() => actionsTo(again).length === 1);
    await settled();
    expect(actionsTo(again)).toEqual(['GetLocalListVersion']);
    const { commands } = (await stage.first.ask('GET', '/api/charger/commands')).body;
    expect(new Set(commands.map(({ actor }: { actor: string }) => actor))).toEqual(
      new Set(['system:local-list']),
    );
  });

  test("a home charger gets its own account's tokens, and no word of others'", async () => {
    await token('MINE', { account: 'ac-1' });
    await stage.point('HOME', { localList: 'account', account: 'ac-1' });
    const lists = new Lists();
    const home = await charger(lists, 'HOME');
    await eventually(() => lists.uids === 'MINE');
    await token('FOREIGN');
    await stage.put('account', { ...examples.account, disabled: true }, 'ac-1');
    await eventually(() => lists.held.get('MINE')?.status === 'Blocked');
    expect(home.inbox.join()).not.toContain('FOREIGN');
  });

  test('one that is given no list is never asked for one; taken away, its list is emptied', async () => {
    await stage.point('CP-2');
    const [first, second] = [new Lists(), new Lists()];
    await token('A1');
    const here = await charger(first);
    const other = await charger(second, 'CP-2');
    await eventually(() => first.uids === 'A1');
    await settled();
    await stage.put('point', { ...stage.pointOf(), localList: 'none' }, 'CP-1');
    await eventually(() => first.held.size === 0 && first.version > 10_000_000);
    await settled();
    expect(callsTo(other)).toEqual([]);
    const before = callsTo(here).length;
    await token('B2');
    await settled();
    expect(callsTo(here).length).toBe(before);
    expect(await stage.first.ask('POST', '/api/cms/points/CP-2/local-list/push')).toMatchObject({
      status: 422,
      body: { code: 'LOCAL_LIST_NONE' },
    });
  });

  test('a bulk import is a few updates, not one for each token', async () => {
    const lists = new Lists();
    lists.limits = { LocalAuthListMaxLength: '1000', SendLocalListMaxLength: '1000' };
    const here = await charger(lists);
    await settled();
    const items = Array.from({ length: 300 }, (_, n) => ({ uid: `T${String(n).padStart(4, '0')}` }));
    await stage.first.ask('POST', '/api/cms/import/tokens', items);
    await eventually(() => lists.held.size === 300);
    await settled();
    expect(actionsTo(here).filter((action) => action === 'SendLocalList').length).toBeLessThan(30);
  });
});

test('a change whose writer was cut off for a while, or whose clock is behind, still reaches chargers that have a newer list', async () => {
  const lists = new Lists();
  await token('A1');
  await charger(lists);
  await eventually(() => lists.uids === 'A1');
  await settled();
  const slow = await stage.api({ now: () => Date.now() - 60_000 });
  const { account: _, ...base } = examples.token;
  const state = { ...base, uid: 'A1', status: 'Blocked' as const };
  await slow.store.propose({ kind: 'token', id: 'A1', change: 'updated', state, actor: 'test' });
  await eventually(() => lists.held.get('A1')?.status === 'Blocked');
});

describe('long lists', () => {
  const many = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await token(`T${String(n).padStart(3, '0')}`);
  };

  test('in messages of the length that the charger takes: whole first, differential after, the real version last', async () => {
    await many(25);
    const lists = new Lists();
    const here = await charger(lists);
    await eventually(() => lists.held.size === 25);
    const sent = callsTo(here).filter(({ action }) => action === 'SendLocalList');
    expect(
      sent.slice(0, 3).map(({ payload: { updateType, listVersion } }) => [updateType, listVersion]),
    ).toEqual([
      ['Full', 1],
      ['Differential', 2],
      ['Differential', expect.any(Number)],
    ]);
    expect(lists.version).toBeGreaterThan(200_000_000);
  });

  test('more than it can hold: as many as fit, and it is said how many are left', async () => {
    await many(14);
    await token('Z', { status: 'Blocked' });
    const lists = new Lists();
    lists.limits = { LocalAuthListMaxLength: '12', SendLocalListMaxLength: '10' };
    await charger(lists);
    await eventually(() => lists.held.size === 12 && lists.version > 10_000_000);
    expect(lists.uids.split(' ').at(-1)).toBe('T011');
    await eventually(async () => (await view()).wanted.left === 3);
  });

  test('interrupted in the middle: it says a number that no finished list has, and gets all of it again', async () => {
    await many(25);
    const lists = new Lists();
    let sends = 0;
    lists.says = (action) => (action === 'SendLocalList' && ++sends === 2 ? 'silence' : undefined);
    const here = await charger(lists);
    await eventually(() => sends === 2);
    expect(lists.version).toBe(1);
    await leave(here);
    await charger(lists);
    await eventually(() => lists.held.size === 25 && lists.version > 10_000_000);
  });

  test('the api that was at it is killed in the middle: another one does it', async () => {
    await stage.first.die();
    const dying = await stage.api();
    const next = await stage.api();
    stage.use(next);
    await many(25);
    const lists = new Lists();
    let sends = 0;
    let go = (): void => {};
    lists.says = (action) => (action === 'SendLocalList' && ++sends === 2 ? 'silence' : undefined);
    const here = await stage.charger();
    answering(here, lists.answer);
    await eventually(() => sends === 2);
    const { id } = callsTo(here).at(-1) ?? { id: '' };
    go = () => here.send(JSON.stringify([3, id, { status: 'Failed' }]));
    await dying.die();
    go();
    await eventually(() => lists.held.size === 25 && lists.version > 10_000_000);
  });
});

describe('a charger that does not do as it is told', () => {
  test.each([
    ['VersionMismatch', { status: 'VersionMismatch' }],
    ['Failed', { status: 'Failed' }],
    ['a CALLERROR', 'InternalError'],
  ])('%s to an update: it gets the whole list', async (_, refusal) => {
    await token('A1');
    const lists = new Lists();
    await charger(lists);
    await eventually(() => lists.uids === 'A1');
    await settled();
    let refused = 0;
    lists.says = (action, { updateType }) =>
      action === 'SendLocalList' && updateType === 'Differential' && ++refused ? refusal : undefined;
    await token('B2');
    await eventually(() => lists.uids === 'A1 B2');
    expect(refused).toBeGreaterThan(0);
  });

  test.each([
    ['version -1', (action: string) => (action === 'GetLocalListVersion' ? { listVersion: -1 } : undefined)],
    [
      'NotSupported',
      (action: string) => (action === 'SendLocalList' ? { status: 'NotSupported' } : undefined),
    ],
    ['NotImplemented', (action: string) => (action === 'GetLocalListVersion' ? 'NotImplemented' : undefined)],
  ])('%s: it has no lists, and is not asked again before it comes again', async (_, says) => {
    await token('A1');
    const lists = new Lists();
    lists.says = says;
    const here = await charger(lists);
    await eventually(() => callsTo(here).length > 0);
    await settled();
    const before = callsTo(here).length;
    await token('B2');
    await settled();
    expect(callsTo(here).length).toBe(before);
    await leave(here);
    const again = await charger(lists);
    await eventually(() => callsTo(again).length > 0);
  });

  test('one that refuses everything is left alone after a few attempts, until something changes', async () => {
    await token('A1');
    const lists = new Lists();
    lists.says = (action) => (action === 'SendLocalList' ? { status: 'Failed' } : undefined);
    const here = await charger(lists);
    await settled();
    const sent = () => actionsTo(here).filter((action) => action === 'SendLocalList').length;
    // Of the token and of the charger that came: one look, or two where the machine is slow; four attempts each.
    const tried = sent();
    expect([4, 8]).toContain(tried);
    await aWhile(200);
    expect(sent()).toBe(tried);
    expect((await view()).last).toMatchObject({ state: 'rejected', status: 'Failed' });
    lists.says = () => undefined;
    await token('B2');
    await eventually(() => lists.uids === 'A1 B2');
  });
});

describe('by hand', () => {
  test('202: it is looked at now; full: all of it, whatever it says it has. Away: 409', async () => {
    expect(await push()).toMatchObject({ status: 409, body: { code: 'CHARGER_OFFLINE' } });
    await token('A1');
    const lists = new Lists();
    await charger(lists);
    await eventually(() => lists.uids === 'A1');
    await settled();
    // Somebody was at it on site.
    lists.held.set('STRANGER', { status: 'Accepted' });
    expect(await push({ full: true })).toMatchObject({ status: 202, body: { wanted: { entries: 1 } } });
    await eventually(() => lists.uids === 'A1');
    expect(await stage.first.ask('GET', '/api/cms/points/CP-9/local-list')).toMatchObject({ status: 404 });
  });
});

test('of two apis one works at a time, and one charger is worked on by one look at a time', async () => {
  await stage.api();
  const lists = new Lists();
  let open = 0;
  let most = 0;
  const here = await stage.charger();
  here.socket.on('message', (data) => {
    const [type, id, action, payload] = JSON.parse(String(data));
    if (type !== 2) return;
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      here.send(JSON.stringify([3, id, lists.answer(action, payload)]));
    }, 5);
  });
  for (let n = 0; n < 20; n++) await token(`T${n}`);
  await eventually(() => lists.held.size === 20);
  await settled();
  expect(most).toBe(1);
  expect(stage.queues.commands.length).toBeLessThan(40);
});
