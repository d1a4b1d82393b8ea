/** 405 with an Allow header where the path exists for other methods (RFC 9110, 15.5.6); Fastify knows only 404. */
import type { FastifyInstance } from 'fastify';

/** Collects routes as they are registered (so: call it first). Returns the methods a path knows. */
export function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const known = new Map<string, { matcher: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    let entry = known.get(url);
    if (entry === undefined) {
      const pattern = url
        .split('/')
        .map((part) =>
          part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
        )
        .join('/');
      entry = { matcher: new RegExp(`^${pattern}/?$`), methods: new Set() };
      known.set(url, entry);
    }
    for (const one of [method].flat()) entry.methods.add(one);
  });
  return (path) => {
    const methods = [...known.values()]
      .filter(({ matcher }) => matcher.test(path))
      .flatMap((entry) => [...entry.methods]);
    return [...new Set(methods)].sort();
  };
}
