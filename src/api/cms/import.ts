/**
 * Many at once: each item is created, or changed where it is there and differs. One that is wrong does not stop the
 * others; what became of each is said, in the order of the items. Repeating an import changes nothing more.
 *
 * It goes on as fast as what became of it is read. When whoever asked goes away it ends, some items later; the rest has
 * not been tried. The same when the registry does not answer: waiting for it once for each item would take hours.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS, withoutSecrets } from '../../domain/registry/kinds.js';
import type { Entity, Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Proposal } from '../../registry/store.js';
import { factsOf } from '../problem.js';
import { stateFrom } from './entity-body.js';
import type { Resource } from './resources.js';
import type { Scope } from './scope.js';

const OUTCOMES = ['created', 'updated', 'unchanged', 'failed'] as const;

export const importResult = z.object({
  index: z.int(),
  line: z.int().optional().describe('CSV: where it begins'),
  id: z.string().nullable(),
  outcome: z.enum(OUTCOMES),
  version: z.int().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  errors: z
    .array(
      z.object({
        field: z.string(),
        message: z.string(),
        line: z.int().optional().describe('CSV'),
        column: z.string().optional().describe('CSV: as the header has it'),
      }),
    )
    .optional(),
});
export type ImportResult = z.infer<typeof importResult>;

export interface ImportItem {
  /** As it stands there. */
  readonly id: unknown;
  readonly version: unknown;
  /** The body it asks for, `current` being what is there, without secrets. Throws REQUEST_INVALID. */
  body(current: Record<string, unknown> | undefined): unknown;
  readonly line?: number;
  place?(field: string): { readonly line: number; readonly column?: string };
}

export const jsonItem = <K extends EntityKind>({ kind }: Resource<K>, item: unknown): ImportItem => {
  const { id, uid, version } = Object(item) as Record<string, unknown>;
  return { id: kind === 'token' ? uid : id, version, body: () => item };
};

export interface ImportOptions<K extends EntityKind> {
  readonly resource: Resource<K>;
  /** The registry, or a rehearsal of it. */
  readonly registry: {
    get(kind: K, id: string): Promise<Live<K> | undefined> | Live<K> | undefined;
    propose(proposal: Proposal<K>): Promise<Entity<K>>;
  };
  readonly scope: Scope<K>;
  readonly actor: string;
  /** An item that says a version changes that version, and no other. */
  readonly matchVersions: boolean;
  /** Proposals under way at once. */
  readonly sideBySide: number;
}

/** Enough to fill the log's latency. */
export const SIDE_BY_SIDE = 100;

/** Codes after which the next item would fail too, after as long a wait. */
const STOPS: ReadonlySet<string> = new Set(['REGISTRY_NOT_READY', 'REGISTRY_UNANSWERED']);

export async function* importAll<K extends EntityKind>(
  items: AsyncIterable<ImportItem> | Iterable<ImportItem>,
  options: ImportOptions<K>,
): AsyncGenerator<ImportResult> {
  const underWay: Promise<ImportResult>[] = [];
  let index = 0;
  let stopped: string | undefined;
  const next = async (): Promise<ImportResult> => {
    const result = (await underWay.shift()) as ImportResult;
    if (result.code !== undefined && STOPS.has(result.code)) stopped ??= result.id ?? '';
    return result;
  };
  for await (const item of items) {
    if (underWay.length >= options.sideBySide) yield await next();
    const at = { index: index++, ...(item.line === undefined ? {} : { line: item.line }) };
    underWay.push(
      stopped === undefined
        ? importOne(item, options).then((result) => ({ ...at, ...result }))
        : Promise.resolve({ ...at, ...notTried(item, stopped) }),
    );
  }
  while (underWay.length > 0) yield await next();
}

type Outcome = Omit<ImportResult, 'index' | 'line'>;

async function importOne<K extends EntityKind>(
  item: ImportItem,
  { resource, registry, scope, actor, matchVersions }: ImportOptions<K>,
): Promise<Outcome> {
  const { kind } = resource;
  const id = typeof item.id === 'string' ? resource.idOf(item.id) : undefined;
  try {
    if (id === undefined)
      throw new WattstreamError(
        'REQUEST_INVALID',
        'What is imported says its id, so that it can be repeated.',
      );
    const found = await registry.get(kind, id);
    const current = found !== undefined && scope.sees(found) ? found : undefined;
    if (matchVersions) checkVersion(item.version, current);
    const body = item.body(current && withoutSecrets(kind, current.state));
    const state = await stateFrom(resource, body, { current: current?.state });
    if (current !== undefined && isDeepStrictEqual(current.state, state))
      return { id, outcome: 'unchanged', version: current.version };
    const change = current === undefined ? 'created' : 'updated';
    scope.admit(change, state, current);
    const { version } = await scope.quietly(() =>
      registry.propose({
        kind,
        id: KINDS[kind].idOf(state as never),
        change,
        state,
        ...(current === undefined ? {} : { version: current.version }),
        actor,
      }),
    );
    return { id, outcome: change, version };
  } catch (error) {
    const { code, detail, errors } = factsOf(error);
    return {
      id: id ?? null,
      outcome: 'failed',
      code,
      detail,
      ...(errors === undefined
        ? {}
        : {
            errors: errors.map((one) => ({
              ...item.place?.(one.field),
              ...one,
              message: inWords(one.message),
            })),
          }),
    };
  }
}

/** A spreadsheet has no `undefined`: the cell is empty. */
const inWords = (message: string): string =>
  /^Invalid input: .* received undefined$/.test(message) ? 'is missing' : message;

function checkVersion(said: unknown, current: { readonly version: number } | undefined): void {
  if (said === undefined || said === null || said === current?.version) return;
  throw new WattstreamError(
    'PRECONDITION_FAILED',
    current === undefined
      ? `It is not there, and had version ${said} once.`
      : `It is at version ${current.version} by now, not at ${said}.`,
    { remedy: 'Export it again, and decide whether your change still makes sense.' },
  );
}

const notTried = ({ id }: ImportItem, stopped: string): Outcome => ({
  id: typeof id === 'string' ? id : null,
  outcome: 'failed',
  code: 'NOT_TRIED',
  detail: `The registry did not answer for '${stopped}': import the same again when it does.`,
});
