/**
 * One attempt to deliver: a signed POST. Whose address it is was chosen by somebody outside, so
 * - the address is judged when the connection is made, after DNS (request-filtering-agent): a name that resolves to one
 *   of ours, or changes its mind between two questions, gets no further than a private address written out;
 * - redirects are not followed, and of the answer nothing but the status is read.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';
import { Webhook as Signer } from 'standardwebhooks';
import { messageOf, WattstreamError } from '../../platform/errors.js';

export interface PostOptions {
  readonly allowHttp: boolean;
  /** Addresses and ranges (CIDR) that may be spoken to although they are private. */
  readonly allowAddresses: readonly string[];
  readonly timeoutMs: number;
  readonly now: () => number;
}

export interface Letter {
  readonly id: string;
  readonly url: string;
  readonly body: string;
  readonly secrets: readonly string[];
}

export interface Posted {
  /** `gone`: the receiver wants no more (410). */
  readonly outcome: 'delivered' | 'failed' | 'gone';
  readonly status: number | null;
  readonly detail: string;
  readonly elapsedMs: number;
  /** What the receiver asks for (Retry-After), when it does. */
  readonly retryAfterMs?: number;
}

export type Post = (letter: Letter) => Promise<Posted>;

/** Throws WEBHOOK_URL_REFUSED: what can be said of an address without asking anybody. */
export function checkUrl(text: string, { allowHttp }: Pick<PostOptions, 'allowHttp'>): URL {
  const refuse = (why: string) =>
    new WattstreamError('WEBHOOK_URL_REFUSED', `The URL is not taken: ${why}.`, {
      remedy: 'Give an https address that can be reached from the internet.',
    });
  if (!URL.canParse(text)) throw refuse('it is none');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) throw refuse('it is not https');
  if (url.username !== '' || url.password !== '') throw refuse('it holds credentials');
  return url;
}

export function createPost({ allowHttp, allowAddresses, timeoutMs, now }: PostOptions): Post {
  const filter = { allowIPAddressList: [...allowAddresses], keepAlive: false };
  const http = new RequestFilteringHttpAgent(filter);
  const https = new RequestFilteringHttpsAgent(filter);

  return async (letter) => {
    const started = now();
    // The whole of it: resolving, connecting, and an answer that comes drop by drop.
    const signal = AbortSignal.timeout(timeoutMs);
    const done = (posted: Omit<Posted, 'elapsedMs'>): Posted => ({ ...posted, elapsedMs: now() - started });
    try {
      const url = checkUrl(letter.url, { allowHttp });
      const secure = url.protocol === 'https:';
      const { status, retryAfter } = await new Promise<{ status: number; retryAfter: string | undefined }>(
        (resolve, reject) => {
          const request = (secure ? httpsRequest : httpRequest)(url, {
            method: 'POST',
            agent: secure ? https : http,
            headers: { ...signedHeaders(letter, now()), 'content-length': Buffer.byteLength(letter.body) },
            signal,
            maxHeaderSize: 16 * 1024,
          });
          request.on('error', reject);
          request.on('response', (response) => {
            resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
            response.on('error', () => {});
            response.destroy();
          });
          request.end(letter.body);
        },
      );
      if (status >= 200 && status < 300) return done({ outcome: 'delivered', status, detail: '' });
      if (status === 410) return done({ outcome: 'gone', status, detail: 'it answers 410 Gone' });
      const moved = status >= 300 && status < 400 ? '; redirects are not followed' : '';
      const seconds = Number(retryAfter);
      return done({
        outcome: 'failed',
        status,
        detail: `it answers ${status}${moved}`,
        ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}),
      });
    } catch (error) {
      const detail = signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
      return done({ outcome: 'failed', status: null, detail });
    }
  };
}

/** Standard Webhooks 1.0: signed anew at each attempt, once per secret in force. */
function signedHeaders({ id, body, secrets }: Letter, at: number): Record<string, string> {
  const timestamp = new Date(at);
  return {
    'content-type': 'application/json',
    'user-agent': 'wattstream-webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, timestamp, body)).join(' '),
  };
}
