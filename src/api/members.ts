/** The members a request may have, by the schema of its route: told to whoever sent one that it may not have. */
import { z } from 'zod';

/** Of the object at a path; empty where the schema does not tell. @param path as in a ZodError */
export function membersOf(schema: unknown, path: readonly PropertyKey[] = []): string[] {
  let at = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = bare(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = bare(at.element);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function bare(schema: unknown): unknown {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable
  )
    inner = inner.unwrap();
  return inner;
}
