/** One shape for everything that goes wrong: problem details (RFC 9457) with a code that a program can use. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { type FieldError, FieldErrors } from './field-errors.js';
import { membersOf } from './members.js';
import { TooMany } from './too-many.js';

export const problemSchema = z
  .object({
    type: z.string().describe('about:blank: the code says more than a page would'),
    title: z.string().describe('The HTTP status in words'),
    status: z.int(),
    code: z.string().describe('Stable, for programs'),
    detail: z.string().describe('For people: what happened'),
    remedy: z.string().optional().describe('For people: what to do'),
    errors: z
      .array(
        z.object({
          field: z.string(),
          message: z.string(),
          line: z.int().optional().describe('Of a file that was sent'),
          column: z.string().optional(),
        }),
      )
      .optional()
      .describe('What is wrong with the request, field by field'),
    requestId: z.string().describe('As in the log and in the header x-request-id'),
    command: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        'With CHARGER_OFFLINE, COMMAND_TIMED_OUT and COMMAND_PENDING: the command, as under its own address',
      ),
    request: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("A customer's start or stop that came to nothing, as under its own address"),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;
export type Facts = Omit<Problem, 'type' | 'title' | 'requestId' | 'errors'> & {
  errors?: FieldError[];
  retryAfterSeconds?: number;
};

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Our codes that are the caller's doing; every other one is 503 when trying again can help, else 500. */
const STATUS_OF: Record<string, number> = {
  REQUEST_INVALID: 400,
  UNAUTHENTICATED: 401,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REUSED: 401,
  LOGIN_FAILED: 401,
  LOGIN_LOCKED: 429,
  RATE_LIMITED: 429,
  NO_ACCOUNT: 409,
  LOGIN_NEEDED: 409,
  PASSWORD_WRONG: 422,
  KEY_TOO_FAR: 422,
  KEYS_TOO_MANY: 422,
  KEY_UNKNOWN: 404,
  FORBIDDEN: 403,
  STATION_FORBIDDEN: 403,
  HOST_NOT_ALLOWED: 403,
  QUERY_PARAMS_INVALID: 400,
  QUERY_UNKNOWN: 404,
  CHARGER_UNKNOWN: 404,
  DEAD_LETTER_UNKNOWN: 404,
  NOT_FOUND: 404,
  WEBHOOK_UNKNOWN: 404,
  WEBHOOK_URL_REFUSED: 422,
  WEBHOOKS_TOO_MANY: 422,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  ENTITY_UNKNOWN: 404,
  CONFLICT: 409,
  LAST_ADMIN: 409,
  PRECONDITION_FAILED: 412,
  REGISTRY_RULE: 422,
  PRECONDITION_REQUIRED: 428,
  ERASES_ONESELF: 409,
  ACCOUNT_ERASED: 422,
  KEY_BOOK_LOST: 503,
  KEY_BOOK_UNREAD: 503,
  ACTION_UNKNOWN: 400,
  PAYLOAD_INVALID: 400,
  TIMEOUT_TOO_LONG: 400,
  QUEUE_UNTIL_WRONG: 400,
  COMMAND_UNKNOWN: 404,
  NOT_IN_THIS_VERSION: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  ACCOUNT_MISSING: 403,
  ACCOUNT_UNKNOWN: 403,
  ACCOUNT_DISABLED: 403,
  TOKEN_UNKNOWN: 404,
  TOKEN_BLOCKED: 409,
  CHARGER_OFFLINE: 409,
  COMMAND_TIMED_OUT: 504,
  LOCAL_LIST_NONE: 422,
  ROTATION_OPEN: 409,
  ROTATION_IMPOSSIBLE: 422,
  PASSWORD_UNFIT: 400,
  CHARGER_AMBIGUOUS: 422,
  OUTLET_UNKNOWN: 404,
  OUTLET_AMBIGUOUS: 422,
  OUTLET_OCCUPIED: 409,
  OUTLET_UNAVAILABLE: 409,
  REJECTED_BY_CHARGER: 409,
  REQUEST_UNKNOWN: 404,
  SESSION_UNKNOWN: 404,
  SESSION_ENDED: 409,
  SESSION_GOES_ON: 409,
  SESSION_HELD: 409,
  SESSION_ORPHAN: 409,
  COST_UNKNOWN: 409,
  SUPPLIER_UNKNOWN: 409,
};

/** Fastify's own refusals of a request, by status. */
const CODE_OF: Record<number, string> = {
  400: 'REQUEST_INVALID',
  404: 'NOT_FOUND',
  406: 'NOT_ACCEPTABLE',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'MEDIA_TYPE_UNSUPPORTED',
};

/** The status of a code, where trying again may help with what is not the caller's doing. */
export function statusOf(code: string): number {
  const refused = Object.entries(CODE_OF).find(([, one]) => one === code)?.[0];
  return STATUS_OF[code] ?? (refused === undefined ? 503 : Number(refused));
}

export const titleOf = (status: number): string => TITLES[status] ?? 'Error';

const fieldsOf = (error: z.ZodError): FieldError[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((field) => ({ field, message: 'is not a parameter of this request' }))
      : [{ field: issue.path.join('.'), message: issue.message }],
  );

/**
 * What to answer to anything that was thrown. Pure; details of our own defects stay inside.
 * @param schemas of the route, by part of the request
 */
export function factsOf(error: unknown, schemas: Readonly<Record<string, unknown>> = {}): Facts {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validationContext ?? 'request';
    const errors = error.validation.flatMap(({ instancePath, keyword, message, params }) => {
      const path = instancePath.split('/').filter((step) => step !== '');
      if (keyword !== 'unrecognized_keys') return [{ field: path.join('.'), message: message ?? 'is wrong' }];
      const known = membersOf(schemas[where], path);
      const may = known.length === 0 ? '' : `; there are ${known.join(', ')}`;
      const keys = (params as { keys?: readonly string[] }).keys ?? [];
      return keys.map((key) => ({ field: [...path, key].join('.'), message: `is not known here${may}` }));
    });
    return { status: 400, code: 'REQUEST_INVALID', detail: `The ${where} is not as it should be.`, errors };
  }
  if (error instanceof WattstreamError) {
    const status = STATUS_OF[error.code] ?? (error.canRetry ? 503 : 500);
    const cause = error.options.cause;
    return {
      status,
      code: error.code,
      detail: error.message,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      ...(cause instanceof z.ZodError ? { errors: fieldsOf(cause) } : {}),
      ...(error instanceof FieldErrors && error.fields.length > 0 ? { errors: [...error.fields] } : {}),
      ...(error instanceof TooMany
        ? { retryAfterSeconds: error.retryAfterSeconds }
        : status === 503
          ? { retryAfterSeconds: 2 }
          : {}),
    };
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500 && !isResponseSerializationError(error))
    return { status, code: CODE_OF[status] ?? 'REQUEST_INVALID', detail: messageOf(error) };
  if (status === 503)
    return { status, code: 'CLOSING', detail: 'This process is stopping.', retryAfterSeconds: 1 };
  return {
    status: 500,
    code: 'INTERNAL',
    detail: 'A defect on our side; the log has it under the request id.',
  };
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, facts: Facts): FastifyReply {
  const { retryAfterSeconds, ...rest } = facts;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  const problem: Problem = {
    type: 'about:blank',
    title: titleOf(rest.status),
    ...rest,
    requestId: request.id,
  };
  // Already text: a response schema of the route describes its success only.
  return reply
    .code(rest.status)
    .type('application/problem+json; charset=utf-8')
    .serializer((body: unknown) => body as string)
    .send(JSON.stringify(problem));
}

/** Logs what is ours to mend, answers the rest. */
export const errorHandler =
  (log: Logger) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const facts = factsOf(error, request.routeOptions.schema as Record<string, unknown> | undefined);
    if (facts.status >= 500)
      log[facts.status === 503 ? 'warn' : 'error'](
        {
          request: request.id,
          method: request.method,
          url: request.url,
          code: facts.code,
          error: messageOf(error),
          ...(facts.status === 503 ? {} : { stack: (error as Error).stack }),
        },
        'a request failed',
      );
    return sendProblem(request, reply, facts);
  };
