/** zod in, OpenAPI out: shapes are declared once, and every operation says how it fails. */
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { problemSchema } from './problem.js';

export { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

/** Adds the problem to each operation's answers; the routes declare their success only. */
export const createJsonSchemaTransforms = (): {
  transform: typeof jsonSchemaTransform;
  transformObject: typeof jsonSchemaTransformObject;
} => ({
  transform: (document) => {
    const { schema } = document;
    if (schema?.hide === true || schema?.response === undefined) return jsonSchemaTransform(document);
    const failure = {
      description: 'What went wrong',
      content: { 'application/problem+json': { schema: problemSchema } },
    };
    const response = { ...(schema.response as object), default: failure };
    return jsonSchemaTransform({ ...document, schema: { ...schema, response } as FastifySchema });
  },
  transformObject: jsonSchemaTransformObject,
});
