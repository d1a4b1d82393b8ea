/** zod in, OpenAPI out: shapes are declared once, and every operation says how it fails. */
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { Access } from './auth/access.js';
import { complete, type Paths } from './docs/document.js';
import { problemSchema } from './problem.js';

export { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

/** Adds the problem to each operation's answers; the routes declare their success only. `docs/` adds the rest. */
export function createJsonSchemaTransforms(): {
  transform: typeof jsonSchemaTransform;
  transformObject: typeof jsonSchemaTransformObject;
} {
  const accessOf = new Map<string, Access | undefined>();
  return {
    transform: (document) => {
      const { schema, url, route } = document;
      for (const method of [route.method].flat()) accessOf.set(`${method} ${url}`, route.config?.access);
      if (schema?.hide === true || schema?.response === undefined) return jsonSchemaTransform(document);
      const failure = {
        description: 'What went wrong',
        content: { 'application/problem+json': { schema: problemSchema } },
      };
      const response = { ...(schema.response as object), default: failure };
      return jsonSchemaTransform({ ...document, schema: { ...schema, response } as FastifySchema });
    },
    transformObject: (document) => {
      const whole = jsonSchemaTransformObject(document);
      complete((whole.paths ?? {}) as Paths, accessOf);
      return whole;
    },
  };
}
