/**
 * The OpenAPI document, completed: who may call an operation, the codes it can answer with, by status, and its examples. All
 * of it in one place, so that a route's file is about the route.
 */
import type { Access } from '../auth/access.js';
import { statusOf, titleOf } from '../problem.js';
import { AUTH } from './auth.js';
import { CMS } from './cms.js';
import { type Code, MEANINGS } from './errors.js';
import { BYTES, type Examples, type Operations } from './operation.js';
import { POINTS } from './points.js';
import { USER } from './user.js';

export const OPERATIONS: Operations = { ...CMS, ...POINTS, ...USER, ...AUTH };

interface Media {
  schema?: object;
  example?: unknown;
  examples?: unknown;
}
interface Answer {
  description?: string;
  content?: Record<string, Media>;
}
interface Described {
  description?: string;
  parameters?: unknown[];
  requestBody?: { content: Record<string, Media> };
  responses?: Record<string, Answer>;
  'x-roles'?: readonly string[];
}
export interface Paths {
  [path: string]: Record<string, Described> | undefined;
}

/** `accessOf` by `METHOD /path`, as routes are declared. Changes the paths. */
export function complete(paths: Paths, accessOf: ReadonlyMap<string, Access | undefined>): void {
  for (const [route, access] of accessOf) {
    const [method = '', path = ''] = route.split(' ');
    const described = paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    if (described !== undefined) completeOne(described, access, OPERATIONS[route]);
  }
}

function completeOne(
  described: Described,
  access: Access | undefined,
  operation: Operations[string] | undefined,
): void {
  const { description, responses = {}, requestBody } = described;
  described.description = [whoMay(access), description].filter(Boolean).join('\n\n');
  described['x-roles'] = access === undefined ? [] : access.roles === 'anyone' ? ['anyone'] : access.roles;
  if (operation?.body !== undefined && requestBody !== undefined)
    requestBody.content = withExamples(requestBody.content, operation.body);
  for (const [status, examples] of Object.entries(operation?.answers ?? {})) {
    const { description: words = '', ...answer } = responses[status] ?? {};
    const content = withExamples(answer.content ?? {}, examples);
    responses[status] = { ...answer, description: words === '' ? 'As asked' : words, content };
  }
  const codes: Code[] = [...implied(described, access), ...(operation?.errors ?? [])];
  for (const [status, ofStatus] of byStatus(codes))
    responses[status] = {
      description: ofStatus.map((code) => `\`${code}\`: ${MEANINGS[code]}`).join('\n\n'),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(ofStatus.map((code) => [code, { value: problemOf(code, status) }])),
        },
      },
    };
  // What has no body needs no schema of it, and zod's null came with one.
  if (responses['204'] !== undefined) delete responses['204'].content;
  responses.default ??= {
    description: 'What went wrong',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  described.responses = responses;
}

function whoMay(access: Access | undefined): string {
  if (access === undefined) return '';
  if (access.roles === 'anyone') return 'For anybody, without a token.';
  const roles = `For: ${access.roles.join(', ')}.`;
  if (access.restricted === 'admitted') return roles;
  return typeof access.restricted === 'object'
    ? `${roles} Restricted to stations: for charge points there.`
    : `${roles} Not for those who are restricted to stations. ${access.reason ?? ''}`.trim();
}

/** What follows from who may call it, and from its being asked anything at all. */
function implied({ parameters, requestBody }: Described, access: Access | undefined): Code[] {
  const asked = parameters !== undefined || requestBody !== undefined;
  const isOpen = access?.roles === 'anyone';
  return [
    ...(asked ? (['REQUEST_INVALID'] as const) : []),
    ...(requestBody === undefined ? [] : (['BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'] as const)),
    ...(isOpen ? [] : (['UNAUTHENTICATED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'FORBIDDEN'] as const)),
    ...(isOpen ? [] : (['STATION_FORBIDDEN'] as const)),
    // What proves who is asking may have to be looked up.
    ...(isOpen ? [] : (['REGISTRY_NOT_READY', 'ISSUER_UNREACHABLE'] as const)),
    'RATE_LIMITED',
  ];
}

function byStatus(codes: readonly Code[]): Map<number, Code[]> {
  const groups = new Map<number, Code[]>();
  for (const code of new Set(codes)) {
    const status = statusOf(code);
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

const problemOf = (code: Code, status: number) => ({
  type: 'about:blank',
  title: titleOf(status),
  status,
  code,
  detail: `${MEANINGS[code].charAt(0).toUpperCase()}${MEANINGS[code].slice(1)}.`,
  requestId: '0b1f6a7e-4c3d-4e2f-8a9b-000000000001',
});

function withExamples(content: Record<string, Media>, examples: Examples): Record<string, Media> {
  const media = { ...content };
  for (const [type, example] of Object.entries(examples)) {
    const { examples: _, ...bare } = media[type] ?? {};
    const text = { type: 'string', ...(example === BYTES ? { format: 'binary' } : {}) };
    media[type] = {
      ...bare,
      ...(type === 'application/json' ? {} : { schema: text }),
      ...(example === BYTES ? {} : { example }),
    };
  }
  return media;
}
