/** Chargers' local lists follow the registry, whoever dies, refuses or was away; a lost card must not charge anywhere. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, type CmsStage, callsTo, cmsStage, eventually } from '../../../test/support/cms-stage.js';
import { aWhile, type TestCharger } from '../../../test/support/ingest.js';
import { examples } from '../../domain/registry/testing/examples.js';
import { TouchedNow } from './touched.js';

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
/** Once it has been the same for longer than any wait between two attempts. */
const unchanged = async (count: () => number): Promise<number> => {
  await eventually(async () => {
    const before = count();
    await aWhile(400);
    return count() === before;
  });
  return count();
};
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

test('a change that waited long in the queue is not late: chargers are told the change, not the whole list again', async () => {
  const lists = new Lists();
  await token('A1');
  const here = await charger(lists);
  await eventually(() => lists.uids === 'A1');
  await settled();
  const before = callsTo(here).length;
  // Each is handed over when the one before is settled: after more than the settling time.
  stage.queues.wakesAtOnce = 1;
  for (const uid of ['B2', 'C3', 'D4']) await token(uid);
  await settled();
  expect(lists.uids).toBe('A1 B2 C3 D4');
  const sent = callsTo(here)
    .slice(before)
    .filter(({ action }) => action === 'SendLocalList');
  expect(new Set(sent.map(({ payload }) => payload.updateType))).toEqual(new Set(['Differential']));
});

describe('one charger that refuses its list, and is tried again after a long time', () => {
  const refusing = (lists: Lists) => {
    lists.says = (action) => (action === 'SendLocalList' ? { status: 'Failed' } : undefined);
    return lists;
  };
  beforeEach(async () => {
    await stage.close();
    stage = await cmsStage({ againMs: [3_600_000] });
    await stage.point('CP-1', { localList: 'all' });
    await stage.point('CP-2', { localList: 'all' });
    stage.queues.wakesAtOnce = 1;
  });

  test('holds nobody up: others get what changes meanwhile, and who asks for it by hand is heard', async () => {
    const [broken, good] = [refusing(new Lists()), new Lists()];
    const here = await charger(broken);
    await charger(good, 'CP-2');
    await token('A1');
    await eventually(() => actionsTo(here).includes('SendLocalList') && good.uids === 'A1');
    await token('B2');
    await eventually(() => good.uids === 'A1 B2');
    await settled();
    expect(broken.uids).toBe('');
    broken.says = () => undefined;
    await push();
    await eventually(() => broken.uids === 'A1 B2');
  });

  test('is not forgotten when the api that worked is stopped: the next one tries it', async () => {
    const next = await stage.api();
    const broken = refusing(new Lists());
    const here = await charger(broken);
    await token('A1');
    await eventually(() => actionsTo(here).includes('SendLocalList'));
    await settled();
    broken.says = () => undefined;
    await stage.first.die();
    stage.use(next);
    await eventually(() => broken.uids === 'A1');
  });
});

describe('the token of a single start', () => {
  const oneTime = { type: 'AD_HOC_USER', issuer: 'wattstream start', whitelist: 'NEVER' };

  test('wakes nobody, coming or going, and does not keep a list from being settled', async () => {
    await token('A1');
    const lists = new Lists();
    const here = await charger(lists);
    await eventually(() => lists.uids === 'A1');
    await settled();
    const before = await view();
    const calls = callsTo(here).length;
    await token('W1', oneTime);
    expect(stage.queues.wakes).toEqual([]);
    await token('W1', null);
    await settled();
    expect(callsTo(here).length).toBe(calls);
    expect((await view()).wanted).toEqual(before.wanted);
  });

  test('does not have the tokens looked through anew, which with many of them stops the api for a while', async () => {
    await token('A1');
    const { replica } = stage.first.store;
    const touched = new TouchedNow(replica);
    const known = touched.get();
    await token('W1', oneTime);
    await token('W1', null);
    expect(touched.get()).toBe(known);
    // One that was made into a card of its own is a card.
    await token('W2', oneTime);
    await token('W2', { whitelist: 'ALLOWED' });
    expect(touched.get()).not.toBe(known);
    const then = touched.get();
    await stage.put('account', { ...examples.account, disabled: true }, 'ac-1');
    expect(touched.get()).not.toBe(then);
    touched.close();
  });
});

describe('a charger of OCPP 2.x that does not say how much room it has', () => {
  /** As many of them do: Entries has no attribute MaxSet, and what is too long is Failed. */
  class Modern {
    version = 0;
    refused = 0;
    held: string[] = [];

    constructor(readonly room: number) {}

    answer = (action: string, payload: Record<string, unknown>): object => {
      if (action === 'GetLocalListVersion') return { versionNumber: this.version };
      if (action === 'GetVariables')
        return {
          getVariableResult: (payload.getVariableData as { variable: { name: string } }[]).map((asked) => ({
            ...asked,
            ...(asked.variable.name === 'Entries'
              ? { attributeStatus: 'NotSupportedAttributeType' }
              : { attributeStatus: 'Accepted', attributeValue: '10000' }),
          })),
        };
      if (action !== 'SendLocalList') return { status: 'Accepted' };
      const sent = (payload.localAuthorizationList ?? []) as { idToken: { idToken: string } }[];
      const held = [
        ...(payload.updateType === 'Full' ? [] : this.held),
        ...sent.map((one) => one.idToken.idToken),
      ];
      if (new Set(held).size > this.room) {
        this.refused++;
        return { status: 'Failed' };
      }
      this.held = [...new Set(held)];
      this.version = payload.versionNumber as number;
      return { status: 'Accepted' };
    };
  }
  const many = async (count: number): Promise<void> => {
    const items = Array.from({ length: count }, (_, n) => ({ uid: `T${String(n).padStart(3, '0')}` }));
    await stage.first.ask('POST', '/api/cms/import/tokens', items);
  };
  const modern = async (one: Modern): Promise<TestCharger> => {
    const here = await stage.charger('CP-1', 'ocpp2.0.1');
    answering(here, one.answer);
    return here;
  };

  test('is given as much as it takes, so that offline some cards charge and not none; and the operator is told', async () => {
    await many(40);
    const charger = new Modern(12);
    await modern(charger);
    await eventually(() => charger.held.length === 10 && charger.version > 10_000_000);
    await settled();
    await eventually(async () => (await view()).wanted.roomIs === 'found');
    expect((await view()).wanted).toMatchObject({ entries: 10, left: 30, room: 10 });
    // What it was found to take is not tried again while it is here.
    const { refused } = charger;
    await token('T000', { status: 'Blocked' });
    await eventually(
      () =>
        charger.held.join() ===
        Array.from({ length: 10 }, (_, n) => `T0${n + 1 < 10 ? '0' : ''}${n + 1}`).join(),
    );
    expect(charger.refused).toBe(refused);
  });

  test('is given what the registry says it can hold, and never refuses anything', async () => {
    await stage.point('CP-1', { localList: 'all', localListEntries: 12 });
    await many(40);
    const charger = new Modern(12);
    await modern(charger);
    await eventually(() => charger.held.length === 12);
    await settled();
    expect(charger.refused).toBe(0);
    expect((await view()).wanted).toMatchObject({ entries: 12, left: 28, room: 12, roomIs: 'registered' });
    // More room than was thought: those that were left out come, though nothing of them has changed.
    const grown = new Modern(100);
    Object.assign(charger, { room: grown.room });
    await stage.point('CP-1', { localList: 'all', localListEntries: 100 });
    await eventually(() => charger.held.length === 40);
  });

  test('one that refuses any list is asked a bounded number of times, and shorter lists are tried once', async () => {
    await many(40);
    const charger = new Modern(-1);
    const here = await modern(charger);
    await eventually(() => charger.refused > 0);
    await settled();
    const sends = () => actionsTo(here).filter((action) => action === 'SendLocalList').length;
    // 40, 20, 10, 5, 2, 1; then the whole of it at each further look.
    expect(await unchanged(sends)).toBeLessThan(20);
    expect((await view()).wanted.roomIs).toBe('usual');
  });
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
    const tried = await unchanged(sent);
    expect(tried).toBeGreaterThanOrEqual(4);
    expect(tried).toBeLessThanOrEqual(8);
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
