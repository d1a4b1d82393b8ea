/** Rows have column names; the API's bodies are written as JavaScript writes names. */
const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Renames keys at every depth, but leaves alone what is under a key in `verbatim` (free-form maps). `Shape` is
 * the caller's promise; the route's response schema checks it.
 */
export function camelCased<Shape>(value: unknown, verbatim: readonly string[] = []): Shape {
  if (Array.isArray(value)) return value.map((item) => camelCased(item, verbatim)) as Shape;
  if (value === null || typeof value !== 'object') return value as Shape;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      camel(key),
      verbatim.includes(key) ? inner : camelCased(inner, verbatim),
    ]),
  ) as Shape;
}
