/**
 * The columns of a kind, made of its shape, so that a field that is added there has its column here: a single object
 * within it is dotted columns (`coordinates.latitude`), a list of words one cell of words, any other list one cell of
 * JSON. A charging point takes one line per connector: what is the point's and the EVSE's stands in each of them.
 */
import { z } from 'zod';
import type { EntityKind } from '../../../domain/messages/cms-events.js';
import { KINDS } from '../../../domain/registry/kinds.js';
import { plainShapeOf } from '../../../domain/registry/personal.js';
import type { Resource } from '../resources.js';

/** What a file needs to know of a kind. */
export type CsvResource = Pick<Resource, 'kind' | 'path' | 'idOf' | 'writeOnly' | 'shownOnly' | 'example'>;

export type CellType =
  | 'text'
  | 'choice'
  | 'whole'
  | 'number'
  | 'degrees'
  | 'flag'
  | 'time'
  | 'words'
  | 'json';

export interface Column {
  /** As the header has it. */
  readonly name: string;
  /** Within its level. */
  readonly path: readonly string[];
  readonly type: CellType;
  /** An empty cell says null, not nothing. */
  readonly nullable: boolean;
  readonly about: string;
}

/** What one line says something of: the entity itself, or one of a list within it. */
export interface Level {
  readonly columns: readonly Column[];
  /** Tells those on the same level apart. */
  readonly key: Column;
  /** The list within it that takes lines of its own. */
  readonly list?: { readonly field: string; readonly of: Level };
}

export interface Layout {
  readonly top: Level;
  /** Taken, never given. */
  readonly writeOnly: readonly Column[];
  /** Given, and passed over when they come back. */
  readonly shownOnly: readonly string[];
}

interface Spread {
  readonly field: string;
  readonly prefix: string;
  readonly key: string;
}

const SPREAD: Partial<Record<EntityKind, readonly Spread[]>> = {
  point: [
    { field: 'evses', prefix: 'evse.', key: 'evseId' },
    { field: 'connectors', prefix: 'connector.', key: 'connectorId' },
  ],
};

/** The part of JSON Schema that shapes of the registry come as. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: { readonly [field: string]: Shape };
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

const layouts = new Map<EntityKind, Layout>();

export function layoutOf(resource: CsvResource): Layout {
  const { kind } = resource;
  const known = layouts.get(kind);
  if (known !== undefined) return known;
  const { secrets } = KINDS[kind];
  const { shownOnly = [] } = resource;
  const { $defs, $ref, ...bare } = z.toJSONSchema(plainShapeOf(kind), { io: 'input' });
  const whole = ($ref === undefined ? bare : $defs?.[$ref.slice('#/$defs/'.length)]) as Shape;
  const layout: Layout = {
    top: levelOf(whole, {
      prefix: '',
      key: kind === 'token' ? 'uid' : 'id',
      spread: SPREAD[kind] ?? [],
      omit: [...secrets, ...shownOnly],
    }),
    writeOnly: Object.entries(resource.writeOnly).map(([field, { input }]) => ({
      name: field,
      path: [field],
      type: 'text',
      nullable: false,
      about: `${input.description ?? ''} Empty: stays as it is; never exported.`.trim(),
    })),
    shownOnly: [
      ...shownOnly,
      'version',
      'createdAt',
      'updatedAt',
      'updatedBy',
      ...(secrets.includes('passwordHash') ? ['hasPassword'] : []),
      ...(kind === 'account' ? ['erased', 'versionsInClear', 'tokensInClear'] : []),
    ],
  };
  layouts.set(kind, layout);
  return layout;
}

/** The columns that say something, outermost first. */
export const columnsOf = ({ columns, list }: Level): Column[] => [
  ...columns,
  ...(list === undefined ? [] : columnsOf(list.of)),
];

/** Header of an export. */
export const exportHeader = ({ top, shownOnly }: Layout): string[] => [
  ...columnsOf(top).map(({ name }) => name),
  ...shownOnly,
];

function levelOf(
  { properties = {} }: Shape,
  options: {
    readonly prefix: string;
    readonly key: string;
    readonly spread: readonly Spread[];
    readonly omit: readonly string[];
  },
): Level {
  const [inner, ...further] = options.spread;
  const columns = Object.entries(properties)
    .filter(([field]) => field !== inner?.field && !options.omit.includes(field))
    .flatMap(([field, shape]) => columnsIn(shape, options.prefix, [field]));
  const key = columns.find(({ path }) => path.join('.') === options.key);
  if (key === undefined) throw new Error(`a defect: ${options.key} is no field of its shape`);
  const items = inner === undefined ? undefined : properties[inner.field]?.items;
  if (inner === undefined || items === undefined) return { columns, key };
  return {
    columns,
    key,
    list: { field: inner.field, of: levelOf(items, { ...inner, spread: further, omit: [] }) },
  };
}

function columnsIn(shape: Shape, prefix: string, path: readonly string[]): Column[] {
  if (shape.properties !== undefined)
    return Object.entries(shape.properties).flatMap(([field, inner]) =>
      columnsIn(inner, prefix, [...path, field]),
    );
  const either = shape.anyOf ?? [shape];
  const said = either.find(({ type }) => type !== 'null') ?? shape;
  return [
    {
      name: `${prefix}${path.join('.')}`,
      path,
      type: typeOf(said, path.at(-1) ?? ''),
      nullable: either.some(({ type }) => type === 'null' || (Array.isArray(type) && type.includes('null'))),
      about: shape.description ?? '',
    },
  ];
}

function typeOf({ type, format, items, enum: choices }: Shape, field: string): CellType {
  const name = Array.isArray(type) ? type.find((one) => one !== 'null') : type;
  switch (name) {
    case 'array':
      return items?.type === 'string' ? 'words' : 'json';
    case 'integer':
      return 'whole';
    case 'number':
      return choices?.every(Number.isInteger) ? 'whole' : 'number';
    case 'boolean':
      return 'flag';
    case 'string':
      if (choices !== undefined) return 'choice';
      // Text in OCPI, so that digits stay as they were written; a number in every spreadsheet.
      if (field === 'latitude' || field === 'longitude') return 'degrees';
      return format === 'date-time' ? 'time' : 'text';
    default:
      return 'json';
  }
}
