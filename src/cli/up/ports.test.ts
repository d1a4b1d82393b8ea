import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { choosePort, holderOf, listeningInodes } from './ports.js';

let busy: Server;
let port: number;
beforeEach(async () => {
  busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  port = (busy.address() as AddressInfo).port;
});
afterEach(() => {
  busy.close();
});

const wish = { variable: 'WATTSTREAM_API_PORT', host: '127.0.0.1' };

test('a standard port that is taken gives way to the next free one', async () => {
  const chosen = await choosePort({ ...wish, standard: port }, new Set());
  expect(chosen).toBeGreaterThan(port);
  expect(chosen).toBeLessThan(port + 100);
});

test('a port the user asked for is never replaced: the holder is named', async () => {
  await expect(
    choosePort({ ...wish, standard: 8080, explicit: String(port) }, new Set()),
  ).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(`Port ${port} (WATTSTREAM_API_PORT) is taken`),
  });
  if (process.platform === 'linux') expect(holderOf(port)).toContain(`process ${process.pid}`);
});

test.each(['eighty', '-1', '65536', '80.5'])('%s is no port', async (explicit) => {
  await expect(choosePort({ ...wish, standard: 8080, explicit }, new Set())).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});

test('two roles of one start never get the same port', async () => {
  const taken = new Set<number>();
  const first = await choosePort({ ...wish, standard: port }, taken);
  const second = await choosePort({ ...wish, standard: port }, taken);
  expect(second).toBeGreaterThan(first);
});

test('only listening sockets of that port are found in /proc/net/tcp', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1',
  ].join('\n');
  expect(listeningInodes(table, 8080)).toEqual(['111']);
});
