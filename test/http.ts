/** Asks an app over a real socket (its in-process `inject` needs an ES module that jest cannot require). */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  json(): any;
}

export type Ask = (url: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;

/** Listens on a free port of loopback; closing the app ends it. */
export async function listening(app: FastifyInstance): Promise<Ask> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return (url, headers = {}, method = 'GET') => ask(`http://127.0.0.1:${port}${url}`, headers, method);
}

export async function ask(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  // One connection per request, so that closing the app waits for none.
  const response = await fetch(url, {
    method,
    headers: { connection: 'close', ...headers },
    redirect: 'manual',
  });
  const body = await response.text();
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body,
    json: () => JSON.parse(body),
  };
}
