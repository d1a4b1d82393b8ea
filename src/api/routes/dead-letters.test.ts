import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { listening } from '../../../test/http.js';
import { silentLogger } from '../../platform/logger.js';
import { createMemoryDeadLetters, type MemoryDeadLetters } from '../../queues/memory/dead-letters.js';
import type { DeadLetter } from '../../queues/ports.js';
import { ANONYMOUS } from '../auth/principal.js';
import { serializerCompiler, validatorCompiler } from '../openapi.js';
import { errorHandler } from '../problem.js';
import { deadLetterRoutes } from './dead-letters.js';

const letter = (id: string): DeadLetter => ({
  id,
  type: 'session.stopped',
  reason: 'nobody answers',
  attempts: 5,
  queue: 'notifications',
  exchange: 'notifications',
  routingKey: 'operator.session.stopped',
  deadAt: '2026-11-25T12:00:00.000Z',
  body: { id },
});

let letters: MemoryDeadLetters;
let app: FastifyInstance;
let base: string;

beforeEach(async () => {
  letters = createMemoryDeadLetters(['a', 'b', 'c'].map(letter));
  app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(errorHandler(silentLogger));
  app.decorateRequest('principal', { getter: () => ({ ...ANONYMOUS, id: 'alice' }) });
  deadLetterRoutes(app, letters);
  await listening(app);
  base = `http://127.0.0.1:${(app.server.address() as { port: number }).port}/api/ops/dead-letters`;
});
afterEach(() => app.close());

const headers = { connection: 'close', 'content-type': 'application/json' };
const ask = async (path = '', body?: unknown) => {
  const response = await fetch(`${base}${path}`, {
    headers: body === undefined ? { connection: 'close' } : headers,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test('they are listed without their bodies, and one is shown with it', async () => {
  const { body: _, ...a } = letter('a');
  expect(await ask('?limit=1')).toEqual({ status: 200, body: { letters: [a], total: 3 } });
  expect(await ask('/a')).toEqual({ status: 200, body: letter('a') });
  expect(await ask('/z')).toMatchObject({ status: 404, body: { code: 'DEAD_LETTER_UNKNOWN' } });
  expect(await ask('?limit=0')).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
});

test('what is decided is decided by somebody: the caller, by name', async () => {
  expect(await ask('/redrive', { ids: ['a', 'z'] })).toEqual({ status: 200, body: { redriven: ['a'] } });
  expect(await ask('/drop', { all: true })).toEqual({ status: 200, body: { dropped: ['b', 'c'] } });
  expect(letters.done).toEqual([
    { what: 'redriven', id: 'a', actor: 'alice' },
    { what: 'dropped', id: 'b', actor: 'alice' },
    { what: 'dropped', id: 'c', actor: 'alice' },
  ]);
});

test('nobody drops everything by leaving something out', async () => {
  for (const wrong of [{}, { ids: [] }, { ids: ['a'], all: true }, { all: false }, { every: true }])
    expect(await ask('/drop', wrong)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  expect(letters.done).toEqual([]);
});
