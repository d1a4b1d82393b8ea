/** Looking into a message that may be of any version, or no message at all: absent and odd values are absent. */

export interface Fields {
  /** '' when it is no text. */
  text(name: string): string;
  number(name: string): number | undefined;
  /** Epoch milliseconds. */
  time(name: string): number | undefined;
  within(name: string): Fields | undefined;
  /** The value as JSON text; '' when it is absent or null. */
  json(name: string): string;
}

/** undefined when the text is no JSON object. */
export function fieldsOf(body: string): Fields | undefined {
  try {
    return over(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function over(value: unknown): Fields | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const object = value as Readonly<Record<string, unknown>>;
  const own = (name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);
  const fields: Fields = {
    text(name) {
      const found = own(name);
      return typeof found === 'string' ? found : '';
    },
    number(name) {
      const found = own(name);
      return typeof found === 'number' ? found : undefined;
    },
    time(name) {
      const at = Date.parse(fields.text(name));
      return Number.isNaN(at) ? undefined : at;
    },
    within: (name) => over(own(name)),
    json(name) {
      const found = own(name);
      return found === undefined || found === null ? '' : JSON.stringify(found);
    },
  };
  return fields;
}
