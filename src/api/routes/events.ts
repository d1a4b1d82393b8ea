/** /docs/events: every message there is, for people and (events.json) for programs. Made once. */
import type { FastifyInstance } from 'fastify';
import { PUBLIC } from '../auth/access.js';
import { asyncApi } from '../events/document.js';
import { eventsPage } from '../events/page.js';

const POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'";

export function eventsRoutes(app: FastifyInstance): void {
  const document = asyncApi();
  const text = JSON.stringify(document, null, 2);
  const page = eventsPage(document);
  const options = { config: { access: PUBLIC }, schema: { hide: true } };
  app.get('/docs/events', options, (_, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(page),
  );
  app.get('/docs/events.json', options, (_, reply) =>
    reply.type('application/json; charset=utf-8').serializer(String).send(text),
  );
}
