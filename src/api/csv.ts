/**
 * Rows as CSV (RFC 4180): CRLF, quotes where needed, lists and objects as JSON. Spreadsheets run cells that begin like a
 * formula, and chargers and people choose many of our texts (OWASP, CSV injection): such a cell gets a leading `'`, and
 * `unguarded` takes it away again. Texts that have it themselves get one more, so that there and back is the same.
 */
import { stringify } from 'csv-stringify/sync';

/** With what a formula begins, as OWASP lists it; full-width ones are taken for the same by some spreadsheets. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const GUARDED = /^'+[=+\-@\t\r\n＝＋－＠]/;
/** A number is none, and stays one. */
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

export const guarded = (text: string): string =>
  GUARDED.test(text) || (FORMULA.test(text) && !NUMBER.test(text)) ? `'${text}` : text;

export const unguarded = (cell: string): string => (GUARDED.test(cell) ? cell.slice(1) : cell);

export const SEPARATORS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export type Separator = (typeof SEPARATORS)[keyof typeof SEPARATORS];

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return guarded(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Some lines of a file: as many as are at hand, the header among them or not. */
export const csvLines = (rows: readonly (readonly unknown[])[], separator: Separator = ','): string =>
  stringify(
    rows.map((row) => row.map(cell)),
    {
      delimiter: separator,
      record_delimiter: 'windows',
      // The library quotes what holds the record's own delimiter; readers take half of it for one too.
      quoted_match: /[\r\n]/,
    },
  );

export const toCsv = (columns: readonly string[], rows: readonly Record<string, unknown>[]): string =>
  csvLines([columns, ...rows.map((row) => columns.map((column) => row[column]))]);
