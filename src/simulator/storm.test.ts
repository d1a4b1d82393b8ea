/** What the storm tells of a server must be what the server did, or a door that starves chargers looks well. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { runStorm, standBy } from './storm.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

it('all come back, those turned away when they were told to, and the one that stayed is answered', async () => {
  const handshakes = new Map<string, number>();
  const turnedAway: number[] = [];
  const admittedAfter: number[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const id = String(request.url?.split('/').pop());
    const handshake = (handshakes.get(id) ?? 0) + 1;
    handshakes.set(id, handshake);
    // At the second coming the even ones are sent away once.
    if (handshake === 2 && Number(id.slice(3)) % 2 === 0) {
      turnedAway.push(performance.now());
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    if (handshake === 3) admittedAfter.push(performance.now());
    sockets.handleUpgrade(request, socket, head, (charger) => {
      const interval = 270 + (Number(id.slice(3)) || 0);
      charger.on('message', () => charger.send(`[3,"x",{"interval":${interval}}]`));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const url = `ws://127.0.0.1:${port}/ocpp`;
  const bystander = await standBy(url, 'CP-0');
  const report = await runStorm({
    url,
    connections: 6,
    prefix: 'CP-',
    arrivals: 1_000,
    onCut: () => bystander.begin(),
  });
  expect(report).toMatchObject({
    connections: 6,
    refused: { 503: 3 },
    failed: 0,
    intervals: { least: 271, most: 276, different: 6 },
    backMs: { count: 6 },
  });
  expect(bystander.end().count).toBeGreaterThan(0);
  expect(handshakes.get('CP-0')).toBe(1);
  expect(admittedAfter).toHaveLength(3);
  expect(Math.min(...admittedAfter) - Math.max(...turnedAway)).toBeGreaterThan(700);
});
