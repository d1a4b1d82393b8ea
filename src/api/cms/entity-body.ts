/** Between what callers send and see, and what is kept: secrets go in and never come out, unknown fields are refused. */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS, type StateOf, withoutSecrets } from '../../domain/registry/kinds.js';
import { plainShapeOf } from '../../domain/registry/personal.js';
import type { Live, Past } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { fieldErrors } from '../../registry/store.js';
import type { FieldError } from '../field-errors.js';
import type { Resource } from './resources.js';

/** Shown, and passed over when it comes back with a change. `last_updated` is OCPI's. */
const SHOWN_ONLY = [
  'version',
  'createdAt',
  'updatedAt',
  'updatedBy',
  'hasPassword',
  'erased',
  'versionsInClear',
  'tokensInClear',
  'last_updated',
];

/** What a caller sees of an entity. */
export function shown<K extends EntityKind>(entity: Live<K>): Record<string, unknown> {
  const { kind, state, version, createdAt, at, actor } = entity;
  return {
    ...withoutSecrets(kind, state),
    ...passwordShown(kind, state),
    version,
    createdAt,
    updatedAt: at,
    updatedBy: actor,
  };
}

/** A version of it: who made it, when, and what it was where that is still kept. */
export function shownVersion<K extends EntityKind>(
  kind: K,
  { version, change, at, actor, changed, state }: Past<K>,
) {
  return {
    version,
    change,
    at,
    by: actor,
    changed,
    ...(state ? { state: { ...withoutSecrets(kind, state), ...passwordShown(kind, state) } } : {}),
  };
}

const passwordShown = (kind: EntityKind, state: object): { hasPassword?: boolean } =>
  KINDS[kind].secrets.includes('passwordHash')
    ? { hasPassword: (state as { passwordHash?: string }).passwordHash !== undefined }
    : {};

/**
 * The state that a body asks for. `id` stands where the body has none. Throws REQUEST_INVALID with every wrong field.
 */
export async function stateFrom<K extends EntityKind>(
  resource: Resource<K>,
  body: unknown,
  { id, current }: { readonly id?: string; readonly current?: StateOf[K] | undefined },
): Promise<StateOf[K]> {
  const { kind } = resource;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid([{ field: '', message: `a ${resource.name} is a JSON object` }]);
  const given: Record<string, unknown> = { ...body };
  for (const field of [...SHOWN_ONLY, ...(resource.shownOnly ?? [])]) delete given[field];
  // Of these only what is given in their place is anybody's to say.
  const foreign = KINDS[kind].secrets.filter(
    (field) => Object.hasOwn(given, field) && !(field in resource.writeOnly),
  );
  const staying = current === undefined ? {} : (resource.stays?.(current, given) ?? {});
  if (id !== undefined && kind !== 'token') given.id ??= id;
  const secrets = await takeSecrets(resource, given, current);
  for (const field of foreign) delete given[field];
  Object.assign(given, secrets.kept, staying);

  const parsed = plainShapeOf(kind).safeParse(given);
  const errors: FieldError[] = [
    ...secrets.errors,
    ...foreign.map((field) => ({ field, message: 'is no field of this' })),
  ];
  if (!parsed.success)
    errors.push(...parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })));
  else {
    errors.push(...unknownFields(given, parsed.data), ...(resource.check?.(parsed.data) ?? []));
    const own = KINDS[kind].idOf(parsed.data as never);
    if (id !== undefined && own !== id)
      errors.push({ field: kind === 'token' ? 'uid' : 'id', message: `is ${own}, the address says ${id}` });
  }
  if (errors.length > 0) throw invalid(errors);
  return (parsed as { data: StateOf[K] }).data;
}

async function takeSecrets<K extends EntityKind>(
  resource: Resource<K>,
  given: Record<string, unknown>,
  current: StateOf[K] | undefined,
): Promise<{ kept: Record<string, string>; errors: FieldError[] }> {
  const kept: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [field, { input, becomes, keep, stays }] of Object.entries(resource.writeOnly)) {
    const value = given[field];
    delete given[field];
    if (value === null) continue; // Taken away.
    if (value !== undefined) {
      const parsed = input.safeParse(value);
      if (parsed.success) kept[becomes] = await keep(parsed.data);
      else errors.push(...parsed.error.issues.map(({ message }) => ({ field, message })));
      continue;
    }
    const before = (current as Record<string, unknown> | undefined)?.[becomes];
    if (typeof before === 'string' && stays(given) && given[becomes] !== null) kept[becomes] ??= before;
  }
  return { kept, errors };
}

/** What the shape let through without knowing it: rather a typing error than a wish. */
function unknownFields(given: unknown, known: unknown, path: readonly string[] = []): FieldError[] {
  if (typeof given !== 'object' || given === null || typeof known !== 'object' || known === null) return [];
  return Object.entries(given).flatMap(([field, value]) => {
    const here = [...path, field];
    if (!Object.hasOwn(known, field))
      return value === undefined ? [] : [{ field: here.join('.'), message: 'is no field of this' }];
    return unknownFields(value, (known as Record<string, unknown>)[field], here);
  });
}

const invalid = (errors: readonly FieldError[]): WattstreamError =>
  new WattstreamError('REQUEST_INVALID', 'The body is not as it should be.', { cause: fieldErrors(errors) });
