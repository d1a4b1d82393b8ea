/** The client in README.md, run as it stands there: what people copy must work. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import { anomalyNews, sessionNews } from './testing/messages.js';
import { startWorld, type World } from './testing/world.js';

const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';

let world: World;
afterEach(() => world.close());

test('it shows the snapshot, each change once, comes back with what it missed, and starts anew when told to', async () => {
  expect(example.trim().split('\n').filter(Boolean)).toHaveLength(15);
  world = await startWorld();
  const heard: string[] = [];
  const show = {
    snapshot: ({ sessions }: { sessions: unknown[] }) => heard.push(`snapshot of ${sessions.length}`),
    change: ({ type }: { type: string }) => heard.push(type),
    refused: ({ code }: { code: string }) => heard.push(code),
  };
  const until = async (expected: string[]) => {
    while (heard.length < expected.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard).toEqual(expected);
  };
  const run = new Function(
    'io',
    'url',
    'token',
    'room',
    'show',
    `${example.replace(/^import.*$/m, '')}; return socket;`,
  );
  world.feed.notification(sessionNews('session.started', { version: 1 }));
  const socket = run(io, world.url, await world.token(), 'operator', show) as ReturnType<typeof io>;
  await until(['snapshot of 1']);
  world.feed.notification(sessionNews('session.updated', { version: 2 }));
  await until(['snapshot of 1', 'session.updated']);

  socket.disconnect();
  world.feed.notification(anomalyNews());
  socket.connect();
  await until(['snapshot of 1', 'session.updated', 'anomaly.found']);

  world.feed.up();
  await until(['snapshot of 1', 'session.updated', 'anomaly.found', 'snapshot of 1']);
  socket.disconnect();
});
