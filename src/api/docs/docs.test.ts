/** What `/docs` says is what programs are written against: examples that hold, every way to fail, who may. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { z } from 'zod';
import { wholeApi } from '../../../test/whole-api.js';
import { examples } from '../../domain/registry/testing/examples.js';
import { statusOf } from '../problem.js';
import { OPERATIONS } from './document.js';
import { MEANINGS } from './errors.js';

interface Media {
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Described {
  tags?: string[];
  summary?: string;
  description?: string;
  'x-roles'?: string[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

let app: FastifyInstance;
let operations: { name: string; route: RouteOptions; described: Described }[];

beforeAll(async () => {
  const { app: built, routes } = await wholeApi();
  app = built;
  const { paths } = JSON.parse(JSON.stringify(app.swagger()));
  operations = routes.flatMap((route) =>
    [route.method].flat().flatMap((method) => {
      const described = paths[route.url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      return described === undefined ? [] : [{ name: `${method} ${route.url}`, route, described }];
    }),
  );
});
afterAll(() => app.close());

const AREAS = ['cms', 'customer', 'auth'];
const ofAreas = () => operations.filter(({ described }) => AREAS.includes(described.tags?.[0] ?? ''));
const examplesOf = ({ example, examples }: Media): unknown[] =>
  example !== undefined ? [example] : Object.values(examples ?? {}).map(({ value }) => value);

/** The zod schema of a route, for one media type. */
function shapeOf(schema: unknown, type: string): z.ZodType {
  const { content } = schema as { content?: Record<string, { schema: z.ZodType }> };
  return content === undefined ? (schema as z.ZodType) : (content[type]?.schema as z.ZodType);
}
/** Nothing missing, nothing wrong, nothing that the schema does not know. */
function expectToHold(shape: z.ZodType, example: unknown): void {
  expect(shape.parse(asKept(example))).toMatchObject(example as object);
}
/** With the hash that shapes of the registry want where a password is given or there: it is never shown. */
function asKept(example: unknown): unknown {
  if (Array.isArray(example)) return example.map(asKept);
  if (typeof example !== 'object' || example === null) return example;
  const inner = Object.fromEntries(Object.entries(example).map(([field, value]) => [field, asKept(value)]));
  const isKept = inner.hasPassword === true || (inner.password !== undefined && inner.id !== undefined);
  return isKept ? { ...inner, passwordHash: examples.point.passwordHash } : inner;
}

describe('every operation of the CMS, of customers and of logins', () => {
  test('has a row of its own, and there is none of what is no route', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual(
      ofAreas()
        .map(({ name }) => name)
        .sort(),
    );
    expect(ofAreas().length).toBeGreaterThan(70);
  });

  test('shows what is sent, and it holds', () => {
    const wanting = ofAreas().filter(({ described }) => described.requestBody !== undefined);
    expect(wanting.length).toBeGreaterThan(20);
    for (const { name, route, described } of wanting) {
      for (const [type, media] of Object.entries(described.requestBody?.content ?? {})) {
        const shown = examplesOf(media);
        const has = { name, type, example: shown.length > 0 };
        expect(has).toEqual({ ...has, example: true });
        if (type !== 'application/json') continue;
        for (const example of shown) expectToHold(shapeOf(route.schema?.body, type), example);
      }
    }
  });

  test('shows what is answered, and it holds', () => {
    for (const { name, route, described } of ofAreas()) {
      const schemas = (route.schema?.response ?? {}) as Record<string, unknown>;
      const fine = Object.entries(described.responses).filter(([status]) => /^2/.test(status));
      expect(fine.length).toBeGreaterThan(0);
      for (const [status, { content = {} }] of fine)
        for (const [type, media] of Object.entries(content)) {
          if (type === 'application/pdf') continue;
          const shown = examplesOf(media);
          const has = { name, status, type, example: shown.length > 0 };
          expect(has).toEqual({ ...has, example: true });
          if (type === 'application/json')
            for (const example of shown) expectToHold(shapeOf(schemas[status], type), example);
        }
    }
  });

  test('shows no secret', () => {
    for (const { described } of ofAreas())
      expect(JSON.stringify(described.responses)).not.toMatch(/scrypt|"passwordHash":|"kept"/);
  });

  test('says how it fails: the codes, by status, each with an example', () => {
    for (const { name, described } of ofAreas()) {
      for (const code of OPERATIONS[name]?.errors ?? []) {
        const answer = described.responses[statusOf(code)];
        expect({ name, code, said: answer?.description.includes(code) }).toEqual({ name, code, said: true });
        expect(answer?.content?.['application/problem+json']?.examples).toHaveProperty(code);
      }
      expect(described.responses).toHaveProperty('default');
    }
  });
});

describe('every operation there is', () => {
  test('has a summary, and says who may call it, as its route has it', () => {
    expect(operations.length).toBeGreaterThan(100);
    for (const { name, route, described } of operations) {
      const access = route.config?.access;
      const roles = access?.roles === 'anyone' ? ['anyone'] : access?.roles;
      expect({ name, roles: described['x-roles'], summary: described.summary !== undefined }).toEqual({
        name,
        roles,
        summary: true,
      });
      for (const role of roles ?? [])
        expect(described.description).toContain(role === 'anyone' ? 'anybody' : role);
    }
  });
});

test('a code has the status it is answered with: none is 503 for want of a row in problem.ts', () => {
  const away = Object.keys(MEANINGS).filter((code) => statusOf(code) === 503);
  expect(away.sort()).toEqual([
    'BROKER_UNREACHABLE',
    'COMMANDS_STARTING',
    'IDEMPOTENCY_UNKNOWN',
    'ISSUER_UNREACHABLE',
    'KEY_BOOK_LOST',
    'KEY_BOOK_UNREAD',
    'NOT_SENT',
    'QUERY_FAILED',
    'RECEIPT_PENDING',
    'REGISTRY_NOT_READY',
    'REGISTRY_UNANSWERED',
    'REQUEST_PENDING',
    'ROTATION_LATE',
  ]);
});
