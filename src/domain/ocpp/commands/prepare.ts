/**
 * From what somebody asked for to the CALL that a charger of one version gets, or to what is wrong with it. Pure: the
 * same question, numbers and time give the same CALL, in whichever process it is prepared.
 */
import type { Payload } from '../payload.js';
import type { Protocol } from '../record.js';
import { complaintsAboutCall, type FieldComplaint } from '../schemas.js';
import { commandActions, versionsOf } from './actions.js';
import { type Numbering, withOwnNumbers } from './numbers.js';
import type { Call } from './operation.js';
import { operationOf } from './operations.js';

/** By a friendly operation, or by the protocol's own words. */
export type Asked =
  | { readonly operation: string; readonly body: Payload }
  | { readonly operation: null; readonly action: string; readonly payload: Payload };

export interface PrepareContext extends Numbering {
  readonly protocol: Protocol;
  /** UTC, ISO 8601. */
  readonly now: string;
}

export const PREPARE_CODES = [
  /** No version has such an action. */
  'ACTION_UNKNOWN',
  /** The charger's version has nothing of the kind. */
  'NOT_IN_THIS_VERSION',
  /** The payload is not as the official schema of the version says. */
  'PAYLOAD_INVALID',
] as const;

export interface Impossible {
  readonly code: (typeof PREPARE_CODES)[number];
  readonly message: string;
  readonly remedy?: string;
  readonly fields?: readonly FieldComplaint[];
}

export type Prepared = { readonly call: Call } | { readonly impossible: Impossible };

export function prepareCall(asked: Asked, context: PrepareContext): Prepared {
  const { protocol } = context;
  if (asked.operation === null) return checked(asked.action, asked.payload, context);
  const translated = operationOf(asked.operation)?.translate(asked.body, context);
  if (translated === undefined)
    return impossible('ACTION_UNKNOWN', `There is no operation '${asked.operation}'.`);
  switch (translated.kind) {
    case 'call':
      return checked(translated.action, translated.payload, context);
    case 'instead':
      return {
        impossible: {
          code: 'NOT_IN_THIS_VERSION',
          message: `The charger speaks ${protocol}, which cannot do ${asked.operation}.`,
          remedy: translated.sentence,
        },
      };
    case 'wrong':
      return invalid(asked.operation, protocol, [{ field: translated.field, message: translated.message }]);
  }
}

function checked(action: string, given: Payload, context: PrepareContext): Prepared {
  const { protocol } = context;
  if (!commandActions(protocol).has(action)) {
    const versions = versionsOf(action);
    return versions.length === 0
      ? impossible('ACTION_UNKNOWN', `No version of OCPP has a command '${action}'.`)
      : {
          impossible: {
            code: 'NOT_IN_THIS_VERSION',
            message: `The charger speaks ${protocol}, which has no ${action}.`,
            remedy: `${action} is for ${versions.join(' and ')}; POST /api/charger/<operation> finds the words of the charger's version.`,
          },
        };
  }
  const payload = withOwnNumbers(protocol, action, given, context);
  const complaints = complaintsAboutCall(protocol, action, payload) ?? [];
  return complaints.length === 0 ? { call: { action, payload } } : invalid(action, protocol, complaints);
}

const impossible = (code: Impossible['code'], message: string): Prepared => ({
  impossible: { code, message, remedy: '/docs lists what there is.' },
});

const invalid = (what: string, protocol: Protocol, fields: readonly FieldComplaint[]): Prepared => ({
  impossible: {
    code: 'PAYLOAD_INVALID',
    message: `The payload of ${what} is not as ${protocol} has it: ${fields
      .slice(0, 3)
      .map(({ field, message }) => (message.startsWith(field) ? message : `${field} ${message}`))
      .join('; ')}.`,
    fields,
  },
});
