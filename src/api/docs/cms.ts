/** The CMS: examples, and how it fails; made of the table of its kinds, by what the routes answer with. */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { plainShapeOf } from '../../domain/registry/personal.js';
import type { Live } from '../../domain/registry/state.js';
import { exportHead, exportLines, templateLines } from '../cms/csv/lines.js';
import { shown, shownVersion } from '../cms/entity-body.js';
import { RESOURCES, type Resource } from '../cms/resources.js';
import { json, type Operation, type Operations } from './operation.js';

const at = '2026-11-25T12:00:00.000Z';

/** The kind's example as it is kept, twice changed. */
function exampleOf<K extends EntityKind>({ kind, example }: Resource<K>): Live<K> {
  const { password, ...plain } = example;
  const shape = plainShapeOf(kind) as unknown as { parse(state: unknown): Live<K>['state'] };
  const state = shape.parse({ ...plain, ...(password === undefined ? {} : { passwordHash: 'kept' }) });
  const version = { actor: 'ac-1', eventId: '', changed: [] };
  return {
    ...version,
    kind,
    id: KINDS[kind].idOf(state as never),
    version: 2,
    change: 'updated',
    changed: [Object.keys(plain).at(-1) ?? ''],
    at: '2026-11-25T13:00:00.000Z',
    createdAt: at,
    state,
    past: [{ ...version, version: 1, change: 'created', at }],
  };
}

const READ = ['REGISTRY_NOT_READY'] as const;
const WRITTEN = ['CONFLICT', 'REGISTRY_RULE', 'REGISTRY_NOT_READY', 'REGISTRY_UNANSWERED'] as const;
const OF_KEYS = ['KEY_BOOK_LOST', 'KEY_BOOK_UNREAD', 'BROKER_UNREACHABLE'] as const;
const OF_A_VERSION = ['ENTITY_UNKNOWN', 'PRECONDITION_REQUIRED', 'PRECONDITION_FAILED'] as const;

function operationsOf<K extends EntityKind>(resource: Resource<K>): [string, Operation][] {
  const { path, param, example } = resource;
  const base = `/api/cms/${path}`;
  const last = resource.kind === 'account' ? (['LAST_ADMIN'] as const) : [];
  const isPersonal = KINDS[resource.kind].personal !== undefined;
  // What names people is opened with keys that are kept elsewhere.
  const read = isPersonal ? ([...READ, ...OF_KEYS] as const) : READ;
  const written = isPersonal ? ([...WRITTEN, ...OF_KEYS, 'ACCOUNT_ERASED'] as const) : WRITTEN;
  const one = `${base}/:${param}`;
  const entity = exampleOf(resource);
  const body = json(example);
  const answer = shown(entity);
  const [version, former] = [entity, ...entity.past].map((each) => shownVersion(resource.kind, each));
  const imported = {
    dryRun: false,
    results: [
      { index: 0, line: 2, id: entity.id, outcome: 'updated', version: 2 },
      {
        index: 1,
        line: 3,
        id: 'wrong',
        outcome: 'failed',
        code: 'REQUEST_INVALID',
        detail: 'The body is not as it should be.',
        errors: [{ field: 'id', message: 'an id has no "/"', line: 3, column: 'id' }],
      },
    ],
    totals: { created: 0, updated: 1, unchanged: 0, failed: 1 },
  };
  const report =
    'line,id,outcome,version,code,column,field,detail\r\n2,day,updated,2,,,,\r\n3,wrong,failed,,REQUEST_INVALID,id,id,"an id has no ""/"""\r\n';
  const file = (texts: Iterable<string>): string => [...texts].join('').replace('\ufeff', '');
  return [
    [`GET ${base}`, { answers: { 200: json({ [path]: [answer], next: 'c3QtMQ' }) }, errors: read }],
    [
      `POST ${base}`,
      { body, answers: { 201: json({ ...answer, version: 1, updatedAt: at }) }, errors: written },
    ],
    [`GET ${one}`, { answers: { 200: json(answer) }, errors: ['ENTITY_UNKNOWN', ...read] }],
    [`PUT ${one}`, { body, answers: { 200: json(answer) }, errors: [...OF_A_VERSION, ...last, ...written] }],
    [`DELETE ${one}`, { errors: [...OF_A_VERSION, ...last, ...written] }],
    [
      `GET ${one}/history`,
      { answers: { 200: json({ versions: [version, former] }) }, errors: ['ENTITY_UNKNOWN', ...read] },
    ],
    [
      `GET ${one}/versions/:version`,
      { answers: { 200: json(version) }, errors: ['ENTITY_UNKNOWN', ...read] },
    ],
    [
      `POST /api/cms/import/${path}`,
      {
        body: { ...json([example]), 'text/csv': file([templateLines(resource, ',')]) },
        answers: { 200: { ...json(imported), 'text/csv': report } },
        errors: ['NOT_ACCEPTABLE', ...read],
      },
    ],
    [
      `GET /api/cms/import/${path}/template.csv`,
      { answers: { 200: { 'text/csv': file([templateLines(resource, ',')]) } }, errors: [] },
    ],
    [
      `GET /api/cms/export/${path}`,
      {
        answers: {
          200: {
            ...json([answer]),
            'text/csv': file([exportHead(resource, ','), exportLines(resource, [entity], ',')]),
          },
        },
        errors: ['NOT_ACCEPTABLE', ...read],
      },
    ],
  ];
}

export const CMS: Operations = {
  ...Object.fromEntries(RESOURCES.flatMap((resource) => operationsOf(resource as unknown as Resource))),
  'POST /api/cms/accounts/:accountId/erase': {
    answers: {
      200: json({
        accountId: 'ac-1',
        version: 4,
        erasedAt: '2026-11-26T10:00:00.000Z',
        erasedBy: 'ac-admin',
        keysDestroyed: true,
        versionsInClear: [],
        tokensInClear: [{ uid: '04A2B3C4', versions: [1] }],
        points: [],
      }),
    },
    errors: [
      ...OF_A_VERSION,
      'SESSION_GOES_ON',
      'ERASES_ONESELF',
      'LAST_ADMIN',
      'QUERY_FAILED',
      ...WRITTEN,
      ...OF_KEYS,
    ],
  },
};
