/** /health/live, /health/ready, /metrics: the same three as every role has. */
import type { FastifyInstance } from 'fastify';
import { answerOps, type Health } from '../../platform/lifecycle.js';
import type { Registry } from '../../platform/metrics.js';
import { PUBLIC } from '../auth/access.js';

export function processRoutes(app: FastifyInstance, health: Health, metrics: Registry): void {
  for (const path of ['/health/live', '/health/ready', '/metrics'])
    app.get(path, { config: { access: PUBLIC }, schema: { hide: true } }, async (_request, reply) => {
      const { status, type, body } = await answerOps(path, health, metrics);
      return reply.code(status).type(type).send(body);
    });
}
