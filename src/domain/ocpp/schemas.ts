/**
 * The official JSON schemas (as typed-ocpp carries them) as validators: made when first needed, kept, and
 * never changing what they look at. Only the plain schema files are loaded: the rest of typed-ocpp brings a
 * second validation engine and takes a second to load.
 *
 * One thing is asked less strictly than the schemas do: a time may be anything that `readTime` reads.
 */
import * as schemas16 from 'typed-ocpp/dist/ocpp16/schemas.js';
import * as schemas201 from 'typed-ocpp/dist/ocpp20/schemas.js';
import * as schemas21 from 'typed-ocpp/dist/ocpp21/schemas.js';
import { z } from 'zod';
import type { ErrorCode } from './errors.js';
import type { Payload } from './payload.js';
import type { Protocol } from './record.js';
import { TIME_PATTERN } from './time.js';
import { versions } from './versions.js';

type JsonSchema = { readonly [key: string]: unknown };

const OFFICIAL: Record<Protocol, Record<string, JsonSchema>> = {
  'ocpp1.6': schemas16,
  'ocpp2.0.1': schemas201,
  'ocpp2.1': schemas21,
};

export interface Complaint {
  readonly errorCode: ErrorCode;
  /** Which property, and what was expected of it. */
  readonly description: string;
}

/**
 * Messages that most of the traffic consists of. Theirs are compiled to code: several times as fast, for some
 * milliseconds more at the beginning.
 */
const HOT = new Set([
  'Authorize',
  'BootNotification',
  'Heartbeat',
  'MeterValues',
  'StartTransaction',
  'StatusNotification',
  'StopTransaction',
  'TransactionEvent',
]);

/** The official schema of a request or response, as it was published; undefined when there is none. */
export function officialSchema(
  protocol: Protocol,
  action: string,
  kind: 'Request' | 'Response',
): JsonSchema | undefined {
  const schemas = OFFICIAL[protocol];
  // The only SEND has a schema without the usual ending.
  const name = [action + kind, ...(kind === 'Request' ? [action] : [])].find((key) =>
    Object.hasOwn(schemas, key),
  );
  return name === undefined ? undefined : schemas[name];
}

/** undefined = valid. Actions without a schema are not for this function: see `chargerActions`. */
export const validateCall = (protocol: Protocol, action: string, payload: Payload): Complaint | undefined =>
  validate(protocol, action, 'Request', payload);

/** The same for the payload of a CALLRESULT to our CALL of `action`. */
export const validateResult = (protocol: Protocol, action: string, payload: Payload): Complaint | undefined =>
  validate(protocol, action, 'Response', payload);

/** One thing that is wrong with a payload, for whoever wrote it. */
export interface FieldComplaint {
  /** As it is written in JSON: `csChargingProfiles.chargingSchedule.duration`; '' = the payload as a whole. */
  readonly field: string;
  readonly message: string;
}

/**
 * Everything that the official schema has against a CALL of our own, field by field; undefined: there is no such action.
 * Nothing is forgiven here: times must be RFC 3339 with a zone, since chargers are as strict as they like.
 */
export function complaintsAboutCall(
  protocol: Protocol,
  action: string,
  payload: Payload,
): FieldComplaint[] | undefined {
  const result = validatorOf(protocol, action, 'Request', 'strict')?.safeParse(payload);
  if (result === undefined) return undefined;
  return result.success
    ? []
    : result.error.issues.map((issue) => {
        const { description } = complaint(protocol, payload, issue);
        return { field: written(issue.path), message: description };
      });
}

/** What a charger may send, and we take. */
export const chargerActions = (protocol: Protocol): ReadonlySet<string> => TAKEN[protocol];

/** Every action there is in a version, whoever sends it. */
export const knownActions = (protocol: Protocol): ReadonlySet<string> => KNOWN[protocol];

/** Makes the validators of the hot messages, so that no charger waits for them. */
export function warmUp(protocols: readonly Protocol[]): void {
  for (const protocol of protocols) {
    for (const action of HOT) if (TAKEN[protocol].has(action)) validatorOf(protocol, action, 'Request');
  }
}

const TAKEN: Record<Protocol, ReadonlySet<string>> = {
  'ocpp1.6': new Set(versions['ocpp1.6'].keys()),
  'ocpp2.0.1': new Set(versions['ocpp2.0.1'].keys()),
  'ocpp2.1': new Set(versions['ocpp2.1'].keys()),
};

const actionsIn = (protocol: Protocol): ReadonlySet<string> =>
  new Set(Object.keys(OFFICIAL[protocol]).map((name) => name.replace(/(Request|Response)$/, '')));

const KNOWN: Record<Protocol, ReadonlySet<string>> = {
  'ocpp1.6': actionsIn('ocpp1.6'),
  'ocpp2.0.1': actionsIn('ocpp2.0.1'),
  'ocpp2.1': actionsIn('ocpp2.1'),
};

const validators = new Map<string, z.ZodType>();

function validate(
  protocol: Protocol,
  action: string,
  kind: 'Request' | 'Response',
  payload: Payload,
): Complaint | undefined {
  const result = validatorOf(protocol, action, kind)?.safeParse(payload);
  if (result === undefined || result.success) return undefined;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  return complaint(protocol, payload, issue);
}

function validatorOf(
  protocol: Protocol,
  action: string,
  kind: 'Request' | 'Response',
  times: 'lenient' | 'strict' = 'lenient',
): z.ZodType | undefined {
  const key = `${protocol} ${action}${kind} ${times}`;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const official = officialSchema(protocol, action, kind);
  if (official === undefined) return undefined;
  const schema = z.fromJSONSchema(
    forZod(
      times === 'lenient' ? (withOurTimes(official) as JsonSchema) : official,
    ) as z.core.JSONSchema.JSONSchema,
  );
  const validator = HOT.has(action) ? z.compile(schema) : schema;
  validators.set(key, validator);
  return validator;
}

/**
 * The schema as zod wants it: `$id` would be taken for a name to resolve references by, `$schema` must name
 * draft 7 with its '#', else the references of the 2.x schemas are not found.
 */
function forZod({ $id: _, ...schema }: JsonSchema): JsonSchema {
  return { ...schema, $schema: 'http://json-schema.org/draft-07/schema#' };
}

function withOurTimes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withOurTimes);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withOurTimes(value)]));
  if (copy.type === 'string' && copy.format === 'date-time') {
    delete copy.format;
    copy.pattern = TIME_PATTERN;
  }
  return copy;
}

function complaint(protocol: Protocol, payload: Payload, issue: z.core.$ZodIssue): Complaint {
  const path = written(issue.path) || 'payload';
  switch (issue.code) {
    case 'invalid_type':
      return at(payload, issue.path) === undefined
        ? { errorCode: 'OccurrenceConstraintViolation', description: `${path} is required` }
        : { errorCode: 'TypeConstraintViolation', description: `${path} must be of type ${issue.expected}` };
    case 'unrecognized_keys':
      // 1.6 (OCPP-J section 4.2.3) has one code for "syntactically incorrect or not conform the PDU structure";
      // 2.x (Part 4, section 4.3) calls the latter ProtocolError.
      return {
        errorCode: protocol === 'ocpp1.6' ? 'FormatViolation' : 'ProtocolError',
        description: `${path} has no property ${issue.keys.join(', ')}`,
      };
    case 'too_big':
    case 'too_small': {
      const bound = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      return issue.origin === 'array'
        ? { errorCode: 'OccurrenceConstraintViolation', description: `${path} must have ${bound} items` }
        : {
            errorCode: 'PropertyConstraintViolation',
            description: `${path} must ${issue.origin === 'string' ? `have ${bound} characters` : `be ${bound}`}`,
          };
    }
    case 'invalid_value':
      return (
        absent(payload, issue.path, path) ?? {
          errorCode: 'PropertyConstraintViolation',
          description: `${path} must be one of ${issue.values.map(String).join(', ')}`,
        }
      );
    case 'invalid_format':
      // dateTime is a data type of OCPP (1.6 section 3.13; 2.x Part 2, primitive data types).
      return issue.format === 'datetime' ||
        ('pattern' in issue && String(issue.pattern).includes(TIME_PATTERN))
        ? { errorCode: 'TypeConstraintViolation', description: `${path} must be a time (RFC 3339)` }
        : {
            errorCode: 'PropertyConstraintViolation',
            description: `${path} must be a valid ${issue.format}`,
          };
    default:
      return (
        absent(payload, issue.path, path) ?? {
          errorCode: 'PropertyConstraintViolation',
          description: `${path}: ${issue.message}`,
        }
      );
  }
}

const written = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text === '' ? '' : '.'}${String(key)}`,
    '',
  );

/** A missing enumeration is reported as an invalid value. */
const absent = (payload: Payload, path: readonly PropertyKey[], name: string): Complaint | undefined =>
  at(payload, path) === undefined
    ? { errorCode: 'OccurrenceConstraintViolation', description: `${name} is required` }
    : undefined;

const at = (payload: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    payload,
  );
