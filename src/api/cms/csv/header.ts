/** The first line of a file: which column stands where. */
import { FieldErrors } from '../../field-errors.js';
import { type Column, type CsvResource, columnsOf, type Level, layoutOf } from './columns.js';

export interface Placed {
  readonly column: Column;
  /** Index of its cell. */
  readonly at: number;
}

/** The columns of a level that the file has. */
export interface LevelIn {
  readonly level: Level;
  readonly placed: readonly Placed[];
  readonly key: Placed | undefined;
  readonly inner: LevelIn | undefined;
}

export interface Header {
  readonly width: number;
  /** Index of the version's cell; -1: the file has none. */
  readonly versionAt: number;
  readonly top: LevelIn & { readonly key: Placed };
}

/** Throws REQUEST_INVALID: a column that is not known, twice there, or lacking. */
export function headerOf(resource: CsvResource, cells: readonly string[]): Header {
  const { top, writeOnly, shownOnly } = layoutOf(resource);
  const names = cells.map((cell) => cell.trim());
  const known = [...columnsOf(top), ...writeOnly].map(({ name }) => name);
  const errors = names.flatMap((name, at) => {
    // Spreadsheets keep columns that somebody has emptied.
    if (name === '') return [];
    if (!known.includes(name) && !shownOnly.includes(name))
      return [{ field: name, line: 1, column: name, message: `is no column of ${resource.path}` }];
    if (names.indexOf(name) !== at)
      return [{ field: name, line: 1, column: name, message: 'is there twice' }];
    return [];
  });
  const levels = levelIn({ ...top, columns: [...top.columns, ...writeOnly] }, names);
  const { key } = levels;
  if (key !== undefined && errors.length === 0)
    for (let inner = levels.inner; inner !== undefined; inner = inner.inner)
      if (inner.key === undefined && says(inner))
        errors.push(missing(inner.level.key, ': without it nobody knows which one a line is of'));
  if (key === undefined || errors.length > 0) {
    if (key === undefined) errors.push(missing(top.key, ''));
    throw new FieldErrors(
      'REQUEST_INVALID',
      `The header is not as it should be: ${errors.map(({ field, message }) => `'${field}' ${message}`).join('; ')}. Columns of ${resource.path}: ${known.join(', ')}; passed over: ${shownOnly.join(', ')}.`,
      errors,
    );
  }
  return { width: names.length, versionAt: names.indexOf('version'), top: { ...levels, key } };
}

const missing = ({ name }: Column, why: string) => ({
  field: name,
  line: 1,
  column: name,
  message: `is no column of the file${why}`,
});

const says = ({ placed, inner }: LevelIn): boolean =>
  placed.length > 0 || (inner !== undefined && says(inner));

function levelIn(level: Level, names: readonly string[]): LevelIn {
  const placed = level.columns.flatMap((column) => {
    const at = names.indexOf(column.name);
    return at === -1 ? [] : [{ column, at }];
  });
  // So that what is wrong is told in the order of the file.
  placed.sort((a, b) => a.at - b.at);
  return {
    level,
    placed,
    key: placed.find(({ column }) => column.name === level.key.name),
    inner: level.list === undefined ? undefined : levelIn(level.list.of, names),
  };
}
