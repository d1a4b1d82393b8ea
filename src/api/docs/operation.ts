/** What `/docs` says of an operation beyond its schemas: examples, and how it fails. */
import type { Code } from './errors.js';

/** In place of an example: bytes, which nobody reads. */
export const BYTES = Symbol('bytes');

/** By media type. */
export type Examples = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly body?: Examples;
  /** By status. 204 has none. */
  readonly answers?: Readonly<Record<number, Examples>>;
  /** Besides those that follow from who may call it and from its parameters. */
  readonly errors: readonly Code[];
}

/** By `METHOD /path`, as routes are declared. */
export type Operations = Readonly<Record<string, Operation>>;

export const json = (example: unknown): Examples => ({ 'application/json': example });
