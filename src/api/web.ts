/** The landing page: a few files, read once, no directory to wander in. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { PUBLIC } from './auth/access.js';

/** src/api and dist/api lie equally deep. */
export const WEB_FOLDER = new URL('../../dashboards/web/', import.meta.url);

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/live.js', file: 'live.js', type: 'text/javascript; charset=utf-8' },
  { path: '/live-state.js', file: 'live-state.js', type: 'text/javascript; charset=utf-8' },
  { path: '/login.js', file: 'login.js', type: 'text/javascript; charset=utf-8' },
  { path: '/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
] as const;

const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export function webRoutes(app: FastifyInstance, folder: URL = WEB_FOLDER): void {
  for (const { path, file, type } of FILES) {
    const body = readFileSync(new URL(file, folder));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    app.get(path, { config: { access: PUBLIC }, schema: { hide: true } }, (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': POLICY });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
}
