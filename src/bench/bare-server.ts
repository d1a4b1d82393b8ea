/**
 * The baseline for ingest: the same library and the same frames, with nothing of what ingest promises. It
 * parses each CALL and answers it at once with a minimal right answer; no validation, no broker, no confirm.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] ?? false });
let transactions = 0;

sockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const [type, id, action] = JSON.parse(data.toString('utf8')) as [number, string, string, unknown];
    if (type === 2) socket.send(JSON.stringify([3, id, answerTo(action)]));
  });
});

function answerTo(action: string): object {
  switch (action) {
    case 'BootNotification':
      return { status: 'Accepted', currentTime: new Date().toISOString(), interval: 300 };
    case 'Heartbeat':
      return { currentTime: new Date().toISOString() };
    case 'Authorize':
      return { idTagInfo: { status: 'Accepted' } };
    case 'StartTransaction':
      return { transactionId: ++transactions, idTagInfo: { status: 'Accepted' } };
    default:
      return {};
  }
}

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
