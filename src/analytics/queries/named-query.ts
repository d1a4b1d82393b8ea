/** How a question is declared: parameters and columns here, its text in dashboards/queries/<name>.sql. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import type { NamedQuery } from '../ports.js';

export interface Question<Params extends z.ZodObject = z.ZodObject> extends NamedQuery<Params> {}

/** src/analytics/queries and dist/analytics/queries lie equally deep, so one path serves both. */
const FOLDER = new URL('../../../dashboards/queries/', import.meta.url);

/** Reads the text at once: a question without one stops the process at its start, not at its first caller. */
export const namedQuery = <Params extends z.ZodObject>(
  question: Omit<Question<Params>, 'sql'>,
): Question<Params> => ({
  ...question,
  sql: readFileSync(new URL(`${question.name}.sql`, FOLDER), 'utf8'),
});
