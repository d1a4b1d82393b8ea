/**
 * From a file to what is imported. It is read twice: once before anything is changed, so that a file which is no CSV, has an
 * unknown column or too many lines changes nothing at all; then line by line, as the registry takes them.
 *
 * A column that the file does not have stays as it is: people send the columns they have picked. An empty cell takes the
 * value away. The lines of one charging point stand together.
 */
import { WattstreamError } from '../../../platform/errors.js';
import { type FieldError, FieldErrors } from '../../field-errors.js';
import { understood } from './cells.js';
import type { CsvResource } from './columns.js';
import { type CsvFile, type Line, linesOf } from './file.js';
import { type Header, headerOf, type LevelIn, type Placed } from './header.js';

/** What the lines of one entity say. */
export interface CsvItem {
  /** Of its first line. */
  readonly line: number;
  /** undefined: they do not say. */
  readonly id: string | undefined;
  /** The one they were exported with. */
  readonly version: unknown;
  /** The body they ask for, laid over what is there. Throws REQUEST_INVALID with every wrong cell. */
  body(current: Record<string, unknown> | undefined): Record<string, unknown>;
  /** Where in the file a field of that body stands. */
  place(field: string): { readonly line: number; readonly column?: string };
}

export interface Survey {
  readonly header: Header;
  readonly entities: number;
  /** Of ids that stand in several places: where. */
  readonly repeated: ReadonlyMap<string, readonly number[]>;
}

/** Throws REQUEST_INVALID. */
export async function survey(
  file: CsvFile,
  resource: CsvResource,
  { maxEntities }: { readonly maxEntities: number },
): Promise<Survey> {
  let header: Header | undefined;
  let entities = 0;
  const first = new Map<string, number>();
  const repeated = new Map<string, number[]>();
  for await (const group of groupsOf(file, resource, (found) => {
    header = found;
  })) {
    entities += 1;
    if (entities > maxEntities)
      throw new WattstreamError('REQUEST_INVALID', `At most ${maxEntities} ${resource.path} are imported.`, {
        remedy: 'Send the file in parts, or raise WATTSTREAM_IMPORT_ITEMS.',
      });
    const { id, line } = group;
    if (id === undefined) continue;
    const known = resource.idOf(id);
    const before = first.get(known);
    if (before === undefined) first.set(known, line);
    else repeated.set(known, [...(repeated.get(known) ?? [before]), line]);
  }
  if (header === undefined)
    throw new WattstreamError('REQUEST_INVALID', 'The file is empty: its first line names the columns.');
  return { header, entities, repeated };
}

export async function* itemsOf(
  file: CsvFile,
  resource: CsvResource,
  { header, repeated }: Survey,
): AsyncGenerator<CsvItem> {
  for await (const { id, lines, line } of groupsOf(file, resource)) {
    const elsewhere = id === undefined ? undefined : repeated.get(resource.idOf(id));
    const tree = new Reading(header, lines);
    yield {
      line,
      id,
      version: versionIn(header, lines),
      body(current) {
        if (elsewhere !== undefined)
          throw new WattstreamError(
            'REQUEST_INVALID',
            `It stands in several places of the file, at the lines ${elsewhere.join(', ')}.`,
            { remedy: 'Leave one; the lines of one charging point stand together.' },
          );
        return tree.body(current);
      },
      place: (field) => tree.place(field),
    };
  }
}

function versionIn({ versionAt }: Header, [first]: readonly Line[]): unknown {
  const cell = first?.cells[versionAt]?.trim() ?? '';
  return cell === '' ? undefined : Number(cell);
}

interface Group {
  readonly id: string | undefined;
  readonly line: number;
  readonly lines: Line[];
}

/** Neighbouring lines with the same id. */
async function* groupsOf(
  file: CsvFile,
  resource: CsvResource,
  onHeader: (header: Header) => void = () => {},
): AsyncGenerator<Group> {
  let header: Header | undefined;
  let group: Group | undefined;
  for await (const line of linesOf(file)) {
    if (header === undefined) {
      header = headerOf(resource, line.cells);
      onHeader(header);
      continue;
    }
    const { column, at } = header.top.key;
    const told = understood(column, line.cells[at] ?? '');
    const id = 'value' in told && typeof told.value === 'string' ? told.value : undefined;
    if (group !== undefined && id !== undefined && id === group.id) group.lines.push(line);
    else {
      if (group !== undefined) yield group;
      group = { id, line: line.line, lines: [line] };
    }
  }
  if (group !== undefined) yield group;
}

/** One of a level: which line it is first on, and those within it. */
interface Node {
  readonly level: LevelIn;
  readonly line: number;
  readonly inner: readonly Node[];
}

class Reading {
  private errors: FieldError[] = [];
  private top: Node | undefined;

  constructor(
    private readonly header: Header,
    private readonly lines: readonly Line[],
  ) {}

  body(current: Record<string, unknown> | undefined): Record<string, unknown> {
    this.errors = this.lines.flatMap((line) => this.misfits(line));
    if (this.errors.length === 0) {
      const { value, node } = this.one(this.header.top, this.lines, structuredClone(current));
      this.top = node;
      if (this.errors.length === 0) return value;
    }
    throw new FieldErrors('REQUEST_INVALID', 'The lines are not as they should be.', this.errors);
  }

  place(field: string): { line: number; column?: string } {
    let node = this.top;
    let segments = field.split('.');
    const first = this.lines[0]?.line ?? 0;
    for (;;) {
      const list = node?.level.level.list?.field;
      const inner = list === segments[0] ? node?.inner[Number(segments[1])] : undefined;
      if (inner === undefined) break;
      node = inner;
      segments = segments.slice(2);
    }
    const within = node?.level.placed.find(({ column: { path } }) =>
      path.every((part, at) => segments[at] === part || at >= segments.length),
    );
    return { line: node?.line ?? first, ...(within === undefined ? {} : { column: within.column.name }) };
  }

  private misfits({ line, cells }: Line): FieldError[] {
    const { width } = this.header;
    if (cells.length >= width && cells.slice(width).every((cell) => cell === '')) return [];
    const message = `has ${cells.length} cells, the header ${width}: is a separator within a cell, without quotes?`;
    return [{ field: '', line, message }];
  }

  private one(
    level: LevelIn,
    lines: readonly Line[],
    base: Record<string, unknown> = {},
  ): { value: Record<string, unknown>; node: Node } {
    const [first, ...others] = lines as [Line, ...Line[]];
    const value = base;
    for (const placed of level.placed) {
      const told = this.cell(placed, first);
      put(value, placed.column.path, told);
      for (const other of others) this.agree(placed, first, other);
    }
    const inner = this.within(level, lines, value);
    return { value, node: { level, line: first.line, inner } };
  }

  private within({ level, inner }: LevelIn, lines: readonly Line[], value: Record<string, unknown>): Node[] {
    const [first, ...others] = lines as [Line, ...Line[]];
    if (level.list === undefined || inner?.key === undefined) {
      for (const { line } of others) this.wrong(level.key.name, line, `is on line ${first.line} already`);
      return [];
    }
    const { field } = level.list;
    const known = (value[field] ?? []) as Record<string, unknown>[];
    const ones = [...this.apart(inner.key, lines)].map(([key, its]) =>
      this.one(
        inner,
        its,
        known.find((one) => one[inner.level.key.path[0] as string] === key),
      ),
    );
    value[field] = ones.map((one) => one.value);
    return ones.map(({ node }) => node);
  }

  /** By what tells them apart, in the order of the file. */
  private apart(key: Placed, lines: readonly Line[]): Map<unknown, Line[]> {
    const groups = new Map<unknown, Line[]>();
    for (const line of lines) {
      const told = this.cell(key, line);
      if (told === undefined && this.errors.every((error) => error.line !== line.line))
        this.wrong(key.column.name, line.line, 'is empty: each line says which one it is of');
      const group = groups.get(told);
      if (group === undefined) groups.set(told, [line]);
      else group.push(line);
    }
    return groups;
  }

  /** Empty further down is the same as above. */
  private agree({ column, at }: Placed, first: Line, other: Line): void {
    const cell = other.cells[at] ?? '';
    if (cell !== '' && cell !== first.cells[at])
      this.wrong(column.name, other.line, `differs from line ${first.line}, which is of the same`);
  }

  private cell({ column, at }: Placed, { line, cells }: Line): unknown {
    const told = understood(column, cells[at] ?? '');
    if ('value' in told) return told.value;
    this.wrong(column.name, line, told.complaint);
    return undefined;
  }

  private wrong(column: string, line: number, message: string): void {
    const already = this.errors.some((error) => error.line === line && error.column === column);
    if (!already) this.errors.push({ field: column, line, column, message });
  }
}

/** undefined takes it away, and an object with nothing left in it too. */
function put(value: Record<string, unknown>, [field = '', ...further]: readonly string[], told: unknown) {
  if (further.length === 0) {
    if (told === undefined) delete value[field];
    else value[field] = told;
    return;
  }
  const inner = (value[field] ?? {}) as Record<string, unknown>;
  put(inner, further, told);
  if (Object.keys(inner).length === 0) delete value[field];
  else value[field] = inner;
}
