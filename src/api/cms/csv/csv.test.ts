/** Files of the CMS: what goes out comes in again the same, and what somebody's spreadsheet made of it is understood. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EntityKind } from '../../../domain/messages/cms-events.js';
import { complaintsOfShape } from '../../../domain/registry/evolve.js';
import { KINDS, type StateOf, withoutSecrets } from '../../../domain/registry/kinds.js';
import type { Live } from '../../../domain/registry/state.js';
import { arbitraries } from '../../../domain/registry/testing/arbitraries.js';
import { examples } from '../../../domain/registry/testing/examples.js';
import { guarded, type Separator, unguarded } from '../../csv.js';
import { factsOf } from '../../problem.js';
import { stateFrom } from '../entity-body.js';
import { RESOURCES, type Resource } from '../resources.js';
import type { CsvResource } from './columns.js';
import { type CsvItem, itemsOf, survey } from './items.js';
import { exportHead, exportLines, templateLines } from './lines.js';

const resourceOf = (path: string): Resource => {
  const found = RESOURCES.find((one) => one.path === path);
  if (found === undefined) throw new Error(path);
  return found as unknown as Resource;
};
const liveOf = (kind: EntityKind, state: object): Live =>
  ({
    kind,
    id: KINDS[kind].idOf(state as never),
    version: 7,
    state,
    createdAt: '2026-04-01T00:00:00.000Z',
    at: '2026-04-02T00:00:00.000Z',
    actor: '=somebody',
    change: 'updated',
    eventId: 'e',
    changed: [],
    past: [],
  }) as unknown as Live;

/** As a network would deliver it: cut anywhere. */
const fileOf = (content: string | Buffer, charset?: string, cut = 7) => {
  const bytes = Buffer.from(content as string);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cut) chunks.push(bytes.subarray(at, at + cut));
  return { chunks, charset };
};
async function read(
  resource: CsvResource,
  content: string | Buffer,
  { charset, maxEntities = 1_000, cut }: { charset?: string; maxEntities?: number; cut?: number } = {},
): Promise<CsvItem[]> {
  const file = fileOf(content, charset, cut);
  const items: CsvItem[] = [];
  for await (const item of itemsOf(file, resource, await survey(file, resource, { maxEntities })))
    items.push(item);
  return items;
}
const refusal = async (work: Promise<unknown>) =>
  factsOf(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
const complaints = (item: CsvItem | undefined, current?: Record<string, unknown>) => {
  try {
    item?.body(current);
  } catch (error) {
    return factsOf(error).errors;
  }
  return undefined;
};

describe('there and back', () => {
  test.each(RESOURCES.map(({ path }) => path))(
    '%s: export and import is the identity, whatever texts they hold and whatever the separator',
    async (path) => {
      const resource = resourceOf(path);
      const { kind } = resource;
      const any = arbitraries[kind as keyof typeof arbitraries] as fc.Arbitrary<StateOf[EntityKind]>;
      const before = withoutSecrets(kind, examples[kind]);
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(any, { maxLength: 4, selector: (state) => KINDS[kind].idOf(state as never) }),
          fc.constantFrom<Separator>(',', ';', '\t'),
          fc.integer({ min: 1, max: 5_000 }),
          async (states, separator, cut) => {
            for (const state of states) expect(complaintsOfShape(kind, state)).toEqual([]);
            const entities = states.map((state) => liveOf(kind, state));
            const text = exportHead(resource, separator) + exportLines(resource, entities, separator);
            expect(text.startsWith('\ufeff')).toBe(true);
            const items = await read(resource, text, { cut });
            expect(items.map(({ id }) => id && resource.idOf(id))).toEqual(
              states.map((state) => KINDS[kind].idOf(state as never)),
            );
            for (const [at, item] of items.entries()) {
              const check = { ...resource, check: () => [] };
              // As it is created of nothing, and as it takes the place of whatever is there.
              expect(await stateFrom(check, item.body(undefined), {})).toEqual(states[at]);
              expect(await stateFrom(check, item.body(before), {})).toEqual(states[at]);
              expect(item.version).toBe(7);
            }
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  test('a secret is in no file, and stays where it was when the file comes back', async () => {
    for (const path of ['points', 'accounts']) {
      const resource = resourceOf(path);
      const state = { ...examples[resource.kind], passwordHash: 'scrypt$secret' };
      const text = exportHead(resource, ',') + exportLines(resource, [liveOf(resource.kind, state)], ',');
      expect(text).not.toContain('scrypt');
      const [item] = await read(resource, text);
      const { passwordHash: _, ...bare } = state;
      expect(await stateFrom(resource, item?.body(bare), { current: state as never })).toEqual(state);
    }
  });

  test('what would be a formula is none in the file; a guard of its own is kept', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', '=', "'=", '@', '-', '\t', '＋'),
        (rest, head) => {
          const text = head + rest;
          expect(unguarded(guarded(text))).toBe(text);
          expect(/^[=@\t\r\n＝＋－＠]/.test(guarded(text))).toBe(false);
          // Numbers may have a sign: nothing can be done with them.
          expect(/^[+-](?!\d+(\.\d+)?(e[+-]?\d+)?$)/i.test(guarded(text))).toBe(false);
        },
      ),
    );
  });

  test.each(RESOURCES.map(({ path }) => path))('%s: the template can be imported as it is', async (path) => {
    const resource = resourceOf(path);
    for (const separator of [',', ';', '\t'] as const) {
      const [item] = await read(resource, templateLines(resource, separator));
      const state = await stateFrom(resource, item?.body(undefined), {});
      const { password: _, ...example } = resource.example;
      expect(state).toMatchObject(example);
      if ('password' in resource.example) expect(state).toHaveProperty('passwordHash');
    }
  });
});

describe('what spreadsheets make of it', () => {
  const stations = resourceOf('stations');
  const points = resourceOf('points');
  const HEADER = 'id,address,city,country,coordinates.latitude,coordinates.longitude,time_zone,publish,name';
  const row = (cells: Partial<Record<string, string>> = {}, separator = ',') =>
    Object.values({
      id: 'st-1',
      address: 'Kade 1',
      city: 'Rotterdam',
      country: 'NLD',
      latitude: '51.9225',
      longitude: '-4.5',
      zone: 'Europe/Amsterdam',
      publish: 'WAHR',
      name: '',
      ...cells,
    }).join(separator);

  test.each([
    ['a byte order mark', `\ufeff${HEADER}\n${row({ publish: 'TRUE' })}`],
    ['semicolons', `${HEADER.replaceAll(',', ';')}\r\n${row({ publish: 'false' }, ';')}\r\n`],
    ['tabs', `${HEADER.replaceAll(',', '\t')}\n${row({ publish: '1' }, '\t')}`],
    ['ends of lines of old Macs', `${HEADER}\r${row({ publish: 'no' })}\r`],
    ['rows and columns that were emptied', `${HEADER},,\n,,,,,,,,,,\n${row({ publish: 'yes' })},,\n\n`],
  ])('%s', async (_, text) => {
    const [item, ...more] = await read(stations, text);
    expect(more).toEqual([]);
    expect(await stateFrom(stations, item?.body(undefined), {})).toMatchObject({
      id: 'st-1',
      // The zeros that OCPI wants, and spreadsheets drop.
      coordinates: { latitude: '51.92250', longitude: '-4.50000' },
      publish: expect.any(Boolean),
    });
  });

  test('other charsets, when somebody says so; and what is not the one it says it is', async () => {
    const text = `${HEADER}\n${row({ city: 'Müllheim', publish: '' })}`;
    const latin = Buffer.from(text, 'latin1');
    const [item] = await read(stations, latin, { charset: 'windows-1252' });
    expect(item?.body(undefined)).toMatchObject({ city: 'Müllheim' });
    const unicode = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    expect((await read(stations, unicode))[0]?.body(undefined)).toMatchObject({ city: 'Müllheim' });
    expect(await refusal(read(stations, latin))).toMatchObject({
      code: 'REQUEST_INVALID',
      remedy: expect.stringContaining('CSV UTF-8'),
    });
    expect(await refusal(read(stations, text, { charset: 'klingon' }))).toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });

  test('a decimal comma, grouped digits, a word for true: named by line, column and what to write', async () => {
    const quoted = row({ latitude: '"51,92250"', publish: 'WAHR' });
    expect(complaints((await read(stations, `${HEADER}\n${quoted}`))[0])).toEqual([
      expect.objectContaining({
        line: 2,
        column: 'coordinates.latitude',
        message: expect.stringContaining('decimal comma'),
      }),
      expect.objectContaining({ line: 2, column: 'publish', message: expect.stringContaining('WAHR') }),
    ]);
    const tariff = 'id;currency;min_price.excl_vat;elements\nday;EUR;0,25;[{]';
    expect(complaints((await read(resourceOf('tariffs'), tariff))[0])).toEqual([
      expect.objectContaining({ column: 'min_price.excl_vat', message: expect.stringContaining('point') }),
      expect.objectContaining({ column: 'elements', message: expect.stringContaining('JSON') }),
    ]);
    const grouped = 'id,evse.evseId,connector.connectorId,connector.max_electric_power\nCP-1,1,1,22.000';
    expect(complaints((await read(points, grouped))[0])).toEqual([
      expect.objectContaining({ column: 'connector.max_electric_power' }),
    ]);
    expect(complaints((await read(resourceOf('outages'), 'id,from\nout-1,1/4/2026 8:00'))[0])).toEqual([
      expect.objectContaining({ column: 'from', message: expect.stringContaining('2026-04-01T') }),
    ]);
  });

  test('a column that nobody knows, or that stands twice, is told with those that are known; nothing is read', async () => {
    expect(await refusal(read(stations, 'id,colour,city,city\nst-1,red,a,b'))).toMatchObject({
      status: 400,
      detail: expect.stringContaining('coordinates.latitude'),
      errors: [
        { field: 'colour', line: 1, message: 'is no column of stations' },
        { field: 'city', message: 'is there twice' },
      ],
    });
    expect(await refusal(read(stations, 'city\nDelft'))).toMatchObject({ errors: [{ field: 'id' }] });
    expect(await refusal(read(points, 'id,connector.tariff\nCP-1,day'))).toMatchObject({
      errors: [{ field: 'evse.evseId' }, { field: 'connector.connectorId' }],
    });
    expect(await refusal(read(stations, ''))).toMatchObject({ detail: expect.stringContaining('empty') });
  });

  test('what is no CSV, or too much, is found before anything is changed', async () => {
    expect(await refusal(read(stations, 'id,city\nst-1,"Delft\nst-2,Leiden'))).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringContaining('line 3'),
    });
    expect(await refusal(read(stations, 'id\na\nb\nc', { maxEntities: 2 }))).toMatchObject({
      remedy: expect.stringContaining('WATTSTREAM_IMPORT_ITEMS'),
    });
  });

  test('a row with too many or too few cells is not guessed at', async () => {
    const items = await read(stations, 'id,city\nst-1,Delft,NLD\nst-2\nst-3,"a\nb"\nst-4,x,y');
    expect(
      items.map((item) => complaints(item)?.map(({ line, message }) => [line, message.slice(0, 11)])),
    ).toEqual([[[2, 'has 3 cells']], [[3, 'has 1 cells']], undefined, [[6, 'has 3 cells']]]);
  });
});

describe('what is not said stays', () => {
  const current = {
    ...examples.point,
    name: 'Old',
    vendor: 'ACME',
    evses: [
      { ...examples.point.evses[0], floor_level: '-1' },
      { ...examples.point.evses[0], evseId: 2, evse_id: 'NL*WAT*E0002' },
    ],
  };
  const points = resourceOf('points');
  const bodyOf = async (text: string) => (await read(points, text))[0]?.body(current);

  test('a column that is left out; an empty cell takes the value away', async () => {
    expect(await bodyOf('id,name,vendor\nCP-1,New,')).toEqual({
      ...current,
      name: 'New',
      vendor: undefined,
    });
    expect(current.name).toBe('Old');
  });

  test('of an EVSE and a connector too, known by their numbers; one that is no longer named is gone', async () => {
    const text = 'id,evse.evseId,connector.connectorId,connector.tariff\nCP-1,2,1,night\nCP-1,2,2,day';
    expect(await bodyOf(text)).toEqual({
      ...current,
      evses: [
        {
          ...current.evses[1],
          connectors: [
            { ...examples.point.evses[0]?.connectors[0], tariff: 'night' },
            { connectorId: 2, tariff: 'day' },
          ],
        },
      ],
    });
  });
});

describe('the lines of a charging point', () => {
  const points = resourceOf('points');
  const HEADER = 'id,name,evse.evseId,evse.floor_level,connector.connectorId,connector.max_electric_power';

  test('empty further down is as above; what differs is told', async () => {
    const [item] = await read(points, `${HEADER}\nCP-1,a,1,,1,11000\nCP-1,,1,,2,22000\nCP-1,b,2,x,1,11000`);
    expect(complaints(item)).toEqual([
      expect.objectContaining({ line: 4, column: 'name', message: expect.stringContaining('line 2') }),
    ]);
    const [fine] = await read(points, `${HEADER}\nCP-1,a,1,,1,11000\nCP-1,,1,,2,22000`);
    expect(fine?.body(undefined)).toMatchObject({ name: 'a', evses: [{ connectors: [{}, {}] }] });
  });

  test('those of one that stand apart would each be half of it: none is taken', async () => {
    const items = await read(points, `${HEADER}\nCP-1,,1,,1,1\nCP-2,,1,,1,1\nCP-1,,1,,2,1`);
    expect(items).toHaveLength(3);
    expect(() => items[0]?.body(undefined)).toThrow('at the lines 2, 4');
    expect(() => items[2]?.body(undefined)).toThrow('at the lines 2, 4');
    expect(complaints(items[1])).toBeUndefined();
  });

  test('the same connector twice, no connector at all', async () => {
    const [twice, none] = await read(points, `${HEADER}\nCP-1,,1,,1,1\nCP-1,,1,,1,2\nCP-2,,1,,,5`);
    expect(complaints(twice)).toContainEqual(
      expect.objectContaining({ line: 3, column: 'connector.connectorId' }),
    );
    expect(complaints(none)).toContainEqual(
      expect.objectContaining({ line: 4, message: expect.stringContaining('is empty') }),
    );
  });

  test('what is wrong with a field of the entity is found in its cell', async () => {
    const [item] = await read(points, `${HEADER}\nCP-1,a,1,,1,11000\nCP-1,a,2,x,1,-5`);
    item?.body(undefined);
    expect(item?.place('evses.1.connectors.0.max_electric_power')).toEqual({
      line: 3,
      column: 'connector.max_electric_power',
    });
    expect(item?.place('evses.1.floor_level')).toEqual({ line: 3, column: 'evse.floor_level' });
    expect(item?.place('name')).toEqual({ line: 2, column: 'name' });
    expect(item?.place('station')).toEqual({ line: 2 });
  });
});
