/** The least of a charger: one socket, CALLs one after the other, each answer waited for. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface ChargerLink {
  /** Sends a text and resolves with the answer's text to `messageId`. */
  call(text: string): Promise<unknown[]>;
  close(): Promise<void>;
}

export async function connectCharger(url: string, id: string, protocol: string): Promise<ChargerLink> {
  const socket = new WebSocket(`${url}/${encodeURIComponent(id)}`, [protocol]);
  const waiting = new Map<string, { resolve(answer: unknown[]): void; reject(error: Error): void }>();
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as unknown[];
    waiting.get(String(frame[1]))?.resolve(frame);
    waiting.delete(String(frame[1]));
  });
  socket.on('close', () => {
    for (const [id, { reject }] of waiting) reject(new Error(`closed before ${id} was answered`));
  });
  await once(socket, 'open');
  return {
    call: (text) =>
      new Promise((resolve, reject) => {
        const [, messageId] = JSON.parse(text) as [number, string];
        waiting.set(messageId, { resolve, reject });
        socket.send(text);
      }),
    async close() {
      socket.close(1000);
      if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
    },
  };
}
