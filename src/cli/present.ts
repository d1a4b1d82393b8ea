/** An answer in the form that was asked for: a table for people, JSON or CSV for programs. */
import { Option } from 'commander';
import type { QueryAnswer } from '../analytics/ports.js';
import { toCsv } from '../api/csv.js';
import { type Column, table } from './table.js';

export interface Form {
  readonly json?: boolean;
  readonly csv?: boolean;
}

export const jsonOption = () => new Option('--json', 'as JSON: Wh, W, seconds, ISO 8601').conflicts('csv');
export const csvOption = () => new Option('--csv', 'as CSV with a header line').conflicts('json');

/** Numbers of the database are rows of unknowns; a table names what it takes from them. */
// biome-ignore lint/suspicious/noExplicitAny: columns are documented by the question and checked by its test
export type Row = any;

export function present(
  { rows, columns }: QueryAnswer,
  form: Form,
  shown: readonly Column<Row>[],
  empty: string,
): string {
  if (form.json) return `${JSON.stringify(rows, null, 2)}\n`;
  if (form.csv)
    return toCsv(
      columns.map(({ name }) => name),
      rows,
    );
  return table(shown, rows, empty);
}

/** Leaves out what was not given, so that the question's own defaults apply. */
export const given = (params: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
