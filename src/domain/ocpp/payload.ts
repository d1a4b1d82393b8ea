/** Payloads as they come: objects of which nothing is known yet. */
export type Payload = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const NOTHING: Payload = Object.freeze({});
