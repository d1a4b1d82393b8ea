/** Files of the CMS from the machine itself, on a real broker: in, out, and in again elsewhere. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { createProgram } from '../program.js';

jest.setTimeout(120_000);

let brokers: TestQueues[];
let folder: string;
beforeEach(async () => {
  brokers = [await createTestQueues(), await createTestQueues()];
  folder = await mkdtemp(join(tmpdir(), 'wattstream-'));
});
afterEach(async () => {
  await Promise.all([...brokers.map((broker) => broker.close()), rm(folder, { recursive: true })]);
});

/** `at`: one of two installations. */
async function cms(words: string, at = 0): Promise<{ out: string; code: number }> {
  let out = '';
  let code = 0;
  await createProgram({
    env: { ...process.env, WATTSTREAM_PREFIX: brokers[at]?.prefix },
    out: (text) => {
      out += text;
    },
    exit: (with_) => {
      code = with_;
    },
  }).parseAsync(['cms', ...words.split(' ')], { from: 'user' });
  return { out, code };
}
const file = (name: string) => join(folder, name);

test('a template is filled in, tried, imported, exported, and imported elsewhere', async () => {
  const template = (await cms('template stations --separator semicolon')).out;
  const [header = '', example = ''] = template.split('\r\n');
  const many = Array.from({ length: 250 }, (_, n) => example.replace('st-1', `st-${n}`));
  await writeFile(file('stations.csv'), [header, ...many].join('\r\n'));

  expect((await cms(`import stations ${file('stations.csv')} --dry-run`)).out).toBe(
    '250 created, 0 updated, 0 unchanged, 0 failed: nothing was changed\n',
  );
  const done = await cms(`import stations ${file('stations.csv')}`);
  expect(done).toEqual({ out: '250 created, 0 updated, 0 unchanged, 0 failed\n', code: 0 });

  expect((await cms(`export stations -o ${file('out.csv')}`)).out).toContain('250 stations in');
  await writeFile(file('out.json'), (await cms('export stations --format json')).out);
  expect((await readFile(file('out.csv'), 'utf8')).split('\r\n')).toHaveLength(252);
  for (const [name, count] of [
    ['out.csv', '250 created, 0 updated, 0 unchanged'],
    ['out.json', '0 created, 0 updated, 250 unchanged'],
  ])
    expect((await cms(`import stations ${file(name as string)}`, 1)).out).toContain(count);
  // All of them came the same, in the same order.
  const bare = (text: string) => text.split('\r\n').map((line) => line.split(',').slice(0, 8).join());
  expect(bare((await cms('export stations', 1)).out)).toEqual(bare(await readFile(file('out.csv'), 'utf8')));
});

test('what is wrong is told by line and column, the rest is done, and the exit code says so', async () => {
  const template = (await cms('template stations')).out;
  const [header = '', example = ''] = template.split('\r\n');
  const bad = example.replace('st-1', 'st-2').replace('NLD', 'nl');
  await writeFile(file('stations.csv'), [header, example, bad].join('\n'));
  const { out, code } = await cms(`import stations ${file('stations.csv')}`);
  expect(code).toBe(1);
  expect(out).toMatch(/Line {2}Id {4}Column {3}What is wrong\n/);
  expect(out).toMatch(/ 3 {2}st-2 {2}country {2}a country is written/);
  expect(out).toContain('1 created, 0 updated, 0 unchanged, 1 failed\n');
  await writeFile(file('wrong.csv'), 'id,colour\nst-9,red');
  await expect(cms(`import stations ${file('wrong.csv')}`)).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
  });
  await expect(cms(`import stations ${file('nowhere.csv')}`)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });
});
