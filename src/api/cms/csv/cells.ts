/** One value, one cell: what is written, and what is understood of what people and their spreadsheets write. */
import { unguarded } from '../../csv.js';
import type { Column } from './columns.js';

/** As `csvLines` takes it. undefined and null are an empty cell. */
export function cellOf({ type }: Column, value: unknown): unknown {
  if (value === undefined || value === null) return '';
  if (type === 'words' && isWords(value)) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((word) => typeof word === 'string' && word !== '' && !/\s/.test(word)) &&
  !value[0].startsWith('[');

export type Understood = { readonly value: unknown } | { readonly complaint: string };

const complaint = (text: string): Understood => ({ complaint: text });

/** undefined: it says nothing. */
export function understood({ type, nullable }: Column, cell: string): Understood {
  const text = unguarded(cell);
  if (text === '') return { value: nullable ? null : undefined };
  if (type === 'text') return { value: text };
  const trimmed = text.trim();
  switch (type) {
    case 'whole':
      return /^[+-]?\d+$/.test(trimmed)
        ? { value: Number(trimmed) }
        : complaint(`'${trimmed}' is no whole number, written with digits only as 22000`);
    case 'number':
      return isDecimal(trimmed)
        ? { value: Number(trimmed) }
        : complaint(commaIn(trimmed) ?? `'${trimmed}' is no number, written as 0.25`);
    case 'degrees':
      return isDecimal(trimmed)
        ? { value: withFiveDecimals(trimmed) }
        : complaint(commaIn(trimmed) ?? `'${trimmed}' is no number of degrees, written as 52.37022`);
    case 'flag':
      return flagOf(trimmed);
    case 'time':
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(trimmed)
        ? { value: trimmed }
        : complaint(`'${trimmed}' is no time, written as 2026-04-01T08:00:00Z`);
    case 'words':
      return trimmed.startsWith('[') ? json(trimmed) : { value: trimmed.split(/\s+/) };
    case 'json':
      return json(trimmed);
    default:
      return { value: trimmed };
  }
}

const isDecimal = (text: string): boolean => /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text);

const commaIn = (text: string): string | undefined =>
  /^[+-]?[\d.']*,\d+$/.test(text)
    ? `'${text}' has a decimal comma: numbers are written with a point, as 0.25`
    : undefined;

/** Spreadsheets drop the zeros at the end that OCPI wants. */
function withFiveDecimals(text: string): string {
  if (!/^-?\d+(\.\d*)?$/.test(text)) return text;
  const [whole = '', decimals = ''] = text.split('.');
  return `${whole}.${decimals.padEnd(5, '0')}`;
}

const FLAGS: Record<string, boolean> = { true: true, yes: true, 1: true, false: false, no: false, 0: false };

function flagOf(text: string): Understood {
  const value = FLAGS[text.toLowerCase()];
  return value === undefined ? complaint(`'${text}' is neither true nor false`) : { value };
}

function json(text: string): Understood {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return complaint('is no JSON: a list stands here as [{"...": ...}]');
  }
}
