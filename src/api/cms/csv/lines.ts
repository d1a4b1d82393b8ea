/** Entities as lines of a file, and the first lines of an empty one. */
import type { EntityKind } from '../../../domain/messages/cms-events.js';
import type { Live } from '../../../domain/registry/state.js';
import { csvLines, type Separator } from '../../csv.js';
import { shown } from '../entity-body.js';
import { cellOf } from './cells.js';
import { type CsvResource, columnsOf, exportHeader, type Layout, type Level, layoutOf } from './columns.js';

/** Excel takes a file for the machine's old code page without it. */
const BYTE_ORDER_MARK = '\ufeff';

export const exportHead = (resource: CsvResource, separator: Separator): string =>
  BYTE_ORDER_MARK + csvLines([exportHeader(layoutOf(resource))], separator);

export function exportLines<K extends EntityKind>(
  resource: CsvResource,
  entities: readonly Live<K>[],
  separator: Separator,
): string {
  const layout = layoutOf(resource);
  return csvLines(
    entities.flatMap((entity) => rowsOf(layout, shown(entity))),
    separator,
  );
}

/** What may be filled in, and the kind's example to fill it in like. */
export function templateLines(resource: CsvResource, separator: Separator): string {
  const { top, writeOnly } = layoutOf(resource);
  const columns = [...top.columns, ...writeOnly, ...(top.list === undefined ? [] : columnsOf(top.list.of))];
  const written: Level = { ...top, columns: [...top.columns, ...writeOnly] };
  return (
    BYTE_ORDER_MARK +
    csvLines([columns.map(({ name }) => name), ...levelRows(written, resource.example)], separator)
  );
}

const rowsOf = ({ top, shownOnly }: Layout, one: Record<string, unknown>): unknown[][] => {
  const last = shownOnly.map((field) => one[field]);
  return levelRows(top, one).map((row) => [...row, ...last]);
};

/** One row for each of the innermost. */
function levelRows({ columns, list }: Level, one: Record<string, unknown>): unknown[][] {
  const own = columns.map((column) => cellOf(column, valueAt(one, column.path)));
  if (list === undefined) return [own];
  return (one[list.field] as Record<string, unknown>[]).flatMap((inner) =>
    levelRows(list.of, inner).map((row) => [...own, ...row]),
  );
}

function valueAt(one: unknown, path: readonly string[]): unknown {
  let at = one;
  for (const field of path) at = (at as Record<string, unknown> | undefined)?.[field];
  return at;
}
