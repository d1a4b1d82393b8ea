/** Payloads that are valid by an official OCPP schema, made at random. */
import fc from 'fast-check';

type Schema = { readonly [key: string]: unknown };

/** Payloads for a draft-07 schema as OCPP uses it: local references, no combinators. */
export function payloadsOf(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  return anyOf(schema, (schema.definitions ?? {}) as Record<string, Schema>) as fc.Arbitrary<
    Record<string, unknown>
  >;
}

function anyOf(schema: Schema, definitions: Record<string, Schema>): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === 'string') {
    return anyOf(definitions[schema.$ref.replace('#/definitions/', '')] as Schema, definitions);
  }
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  switch (schema.type) {
    case 'object':
      return objects(schema, definitions);
    case 'array':
      return fc.array(anyOf((schema.items ?? {}) as Schema, definitions), {
        minLength: (schema.minItems as number | undefined) ?? 0,
        maxLength: Math.max((schema.minItems as number | undefined) ?? 0, 2),
      });
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.integer({
        min: (schema.minimum as number | undefined) ?? -5,
        max: (schema.maximum as number | undefined) ?? 1_000_000,
      });
    case 'number':
      // 1.6 charging profiles are multiples of 0.1.
      return fc
        .integer({
          min: 10 * ((schema.minimum as number | undefined) ?? 0),
          max: 10 * ((schema.maximum as number | undefined) ?? 100_000),
        })
        .map((tenths) => tenths / 10);
    case 'boolean':
      return fc.boolean();
    default:
      return fc.constantFrom<unknown>('text', 1, { nested: true });
  }
}

function objects(schema: Schema, definitions: Record<string, Schema>): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = (schema.required ?? []) as string[];
  return fc.record(Object.fromEntries(properties.map(([name, inner]) => [name, anyOf(inner, definitions)])), {
    requiredKeys: required,
    noNullPrototype: true,
  });
}

function texts(schema: Schema): fc.Arbitrary<string> {
  if (schema.format === 'date-time') {
    return fc
      .date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  if (schema.format === 'uri') return fc.webUrl();
  const maxLength = Math.min((schema.maxLength as number | undefined) ?? 40, 40);
  return fc.string({ minLength: (schema.minLength as number | undefined) ?? 0, maxLength });
}
