/** Holds what an api answers against its own document: a code that `/docs` does not know is a surprise to programs. */
import type { FastifyInstance } from 'fastify';

interface Described {
  responses: Record<string, { content?: Record<string, { examples?: Record<string, unknown> }> }>;
}

const documents = new WeakMap<FastifyInstance, [RegExp, Record<string, Described>][]>();

const pathsOf = (app: FastifyInstance): [RegExp, Record<string, Described>][] => {
  const known = documents.get(app);
  if (known !== undefined) return known;
  const { paths } = JSON.parse(JSON.stringify(app.swagger())) as {
    paths: Record<string, Record<string, Described>>;
  };
  const made = Object.entries(paths)
    // What is written out comes before what is a parameter.
    .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
    .map(([path, methods]): [RegExp, Record<string, Described>] => [
      new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      methods,
    ]);
  documents.set(app, made);
  return made;
};

/** Throws when a problem has a code that the operation does not name. Silent where there is no such operation. */
export function expectDeclared(
  app: FastifyInstance,
  method: string,
  url: string,
  { status, code }: { status: number; code: string | undefined },
): void {
  const path = url.split('?')[0] ?? '';
  const operation = pathsOf(app).find(([matcher]) => matcher.test(path))?.[1][method.toLowerCase()];
  if (code === undefined || operation === undefined || code === 'INTERNAL') return;
  const examples = operation.responses[status]?.content?.['application/problem+json']?.examples ?? {};
  if (!(code in examples))
    throw new Error(`${method} ${path} answered ${status} ${code}: /docs does not say so`);
}
