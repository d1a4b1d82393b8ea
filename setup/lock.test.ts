import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { lockOwner, tryLock, waitForLock } from './lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 'wattstream-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a held lock names its owner; a released one can be taken', () => {
  const path = join(folder, 'held');
  const first = tryLock(path);
  if (!('release' in first)) throw new Error('not taken');
  expect(tryLock(path)).toMatchObject({ owner: { pid: process.pid } });
  first.release();
  expect(lockOwner(path)).toBeUndefined();
  expect('release' in tryLock(path)).toBe(true);
});

test('a lock of a dead process, or a torn one, does not lock anybody out', () => {
  const path = join(folder, 'stale');
  for (const content of [
    '{"pid":999999999,"born":"1"}',
    `{"pid":${process.pid},"born":"another time"}`,
    '{"pi',
  ]) {
    writeFileSync(path, content);
    const taken = tryLock(path);
    if (!('release' in taken)) throw new Error(`locked out by ${content}`);
    taken.release();
  }
});

test('one waits until the other has finished', async () => {
  const path = join(folder, 'waited');
  const first = tryLock(path);
  let waits = 0;
  const second = waitForLock(path, () => waits++);
  if ('release' in first) setTimeout(first.release, 50);
  (await second).release();
  expect(waits).toBe(1);
});

test('of many processes that find a stale lock at once, never two hold it together', async () => {
  const path = join(folder, 'contended');
  writeFileSync(path, '{"pid":999999999,"born":"1"}');
  // Each holds the lock while it owns the one name nobody else may own: a second holder would fail to make it.
  const script = `
    import { mkdirSync, rmdirSync } from 'node:fs';
    import { waitForLock } from ${JSON.stringify(fileURLToPath(new URL('./lock.mjs', import.meta.url)))};
    for (let round = 0; round < 3; round++) {
      const lock = await waitForLock(${JSON.stringify(path)}, () => {});
      mkdirSync(${JSON.stringify(`${path}.inside`)});
      await new Promise((resolve) => setTimeout(resolve, 5));
      rmdirSync(${JSON.stringify(`${path}.inside`)});
      lock.release();
    }`;
  const codes = await Promise.all(
    [1, 2, 3, 4].map(
      () =>
        new Promise((resolve) =>
          spawn(process.execPath, ['--input-type=module', '-e', script]).once('exit', resolve),
        ),
    ),
  );
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(readdirSync(folder).filter((name) => name.startsWith('contended'))).toEqual([]);
}, 30_000);
