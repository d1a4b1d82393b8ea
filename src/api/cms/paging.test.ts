/** Somebody pages through the CMS while others make and delete: over HTTP, whatever they do in between. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type House, openHouse } from '../../../test/house.js';
import { examples } from '../../domain/registry/testing/examples.js';

jest.setTimeout(180_000);

let house: House;
let bearer: string;
let restricted: string;
beforeAll(async () => {
  house = await openHouse();
  await house.account('admin');
  bearer = (await house.login('ac-admin@example.com')).json().accessToken;
  await house.account('operator', { stations: ['mine'] });
  restricted = (await house.login('ac-operator@example.com')).json().accessToken;
  for (const id of ['mine', 'theirs']) await make('station', { ...examples.station, id });
});
afterAll(() => house.close());

const make = (kind: 'station' | 'point', state: { id: string }) =>
  house.store.propose({ kind, id: state.id, change: 'created', state: state as never, actor: 'test' });
const remove = (id: string) =>
  house.store.propose({ kind: 'point', id, change: 'deleted', state: null, actor: 'test' });
const live = () =>
  [...house.store.replica.state.entities.point.values()].filter(({ state }) => state !== null);
const pointOf = (id: string, station: string) => {
  const { passwordHash: _, certificateCommonName: __, tariff: ___, ...point } = examples.point;
  const [{ evse_id: ____, ...evse } = {}] = point.evses;
  const { tariff: _____, ...connector } = point.evses[0]?.connectors[0] ?? {};
  return {
    ...point,
    id,
    station,
    securityProfile: 0,
    evses: [{ ...evse, connectors: [connector] }],
  } as never;
};

/** What others do between two pages: make one here or there, delete the n-th, make one again that was deleted. */
const deed = fc.oneof(
  fc.record({ do: fc.constant('make' as const), at: fc.constantFrom('mine', 'theirs') }),
  fc.record({ do: fc.constant('delete' as const), nth: fc.nat(30) }),
  fc.record({ do: fc.constant('again' as const), nth: fc.nat(30) }),
);

test.each(['everybody', 'somebody restricted to stations'])(
  'none comes twice, none that was there all along is missed, and the order is that of creation: %s',
  async (who) => {
    const token = who === 'everybody' ? bearer : restricted;
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('mine', 'theirs'), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.array(deed, { maxLength: 3 }), { maxLength: 12 }),
        async (stations, limit, deeds) => {
          for (const { id } of live()) await remove(id);
          const name = () => `CP-${who.length}-${count++}`;
          const deleted: string[] = [];
          const begun: string[] = [];
          for (const station of stations) {
            const id = name();
            await make('point', pointOf(id, station));
            if (who === 'everybody' || station === 'mine') begun.push(id);
          }
          const gone = new Set<string>();
          const seen: string[] = [];
          const pending = [...deeds];
          let next: string | null = '';
          while (next !== null) {
            const answer = await house.say(
              'GET',
              `/api/cms/points?limit=${limit}${next === '' ? '' : `&after=${next}`}`,
              { bearer: token },
            );
            expect(answer.statusCode).toBe(200);
            const page = answer.json();
            expect(page.points.length).toBeLessThanOrEqual(limit);
            seen.push(...page.points.map(({ id }: { id: string }) => id));
            next = page.next;
            for (const one of pending.shift() ?? []) {
              if (one.do === 'make') await make('point', pointOf(name(), one.at));
              if (one.do === 'delete') {
                const id = live()[one.nth]?.id;
                if (id === undefined) continue;
                await remove(id);
                gone.add(id);
                deleted.push(id);
              }
              const again = one.do === 'again' ? deleted.splice(one.nth, 1)[0] : undefined;
              if (again !== undefined) await make('point', pointOf(again, 'mine'));
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expect.arrayContaining(begun.filter((id) => !gone.has(id))));
          // The log's order, the same in every process.
          const order = [...house.store.replica.state.entities.point.keys()];
          const places = seen.map((id) => order.indexOf(id));
          expect(places).toEqual([...places].sort((a, b) => a - b));
        },
      ),
      { numRuns: 25 },
    );
  },
);
