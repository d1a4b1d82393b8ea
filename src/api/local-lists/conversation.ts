/**
 * What is asked and told of local lists, in the words of each version, and what the answers mean. Everything goes by the
 * command service: on record, at most once, actor `system:local-list`.
 */
import type { Command } from '../../domain/commands/command.js';
import { authStatus16 } from '../../domain/ocpp/auth-status.js';
import type { Asked } from '../../domain/ocpp/commands/prepare.js';
import { isObject, type Payload } from '../../domain/ocpp/payload.js';
import type { Protocol } from '../../domain/ocpp/record.js';
import type { ListChange } from '../../domain/registry/local-list.js';

export const LIST_ACTOR = 'system:local-list';

export const TOKEN_LENGTH: Readonly<Record<Protocol, number>> = {
  'ocpp1.6': 20,
  'ocpp2.0.1': 36,
  'ocpp2.1': 255,
};

export const ASK_VERSION: Asked = { operation: null, action: 'GetLocalListVersion', payload: {} };

/** OCPP 1.6 section 9.4; 2.0.1 Part 2, D01.FR.11 and .12 and appendix LocalAuthListCtrlr. */
export function askLimits(protocol: Protocol): Asked {
  if (protocol === 'ocpp1.6')
    return {
      operation: null,
      action: 'GetConfiguration',
      payload: { key: ['LocalAuthListMaxLength', 'SendLocalListMaxLength'] },
    };
  const component = { name: 'LocalAuthListCtrlr' };
  return {
    operation: null,
    action: 'GetVariables',
    payload: {
      getVariableData: [
        { component, variable: { name: 'ItemsPerMessage' } },
        { component, variable: { name: 'BytesPerMessage' } },
        // How many it can hold is the maxLimit of the variable, which only a base report has; some answer for it here.
        { component, variable: { name: 'Entries' }, attributeType: 'MaxSet' },
      ],
    },
  };
}

export interface SaidLimits {
  readonly entries?: number;
  readonly perMessage?: number;
  readonly bytesPerMessage?: number;
}

/** What of it the charger said; a charger that knows none of them says nothing. */
export function limitsIn(response: Payload): SaidLimits {
  const found = new Map<string, number>();
  const learn = (name: unknown, value: unknown): void => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (typeof name === 'string' && Number.isInteger(number) && number > 0) found.set(name, number);
  };
  for (const one of listIn(response.configurationKey)) learn(one.key, one.value);
  for (const one of listIn(response.getVariableResult))
    if (one.attributeStatus === 'Accepted' && isObject(one.variable))
      learn(one.variable.name, one.attributeValue);
  const entries = found.get('LocalAuthListMaxLength') ?? found.get('Entries');
  const perMessage = found.get('SendLocalListMaxLength') ?? found.get('ItemsPerMessage');
  const bytesPerMessage = found.get('BytesPerMessage');
  return {
    ...(entries === undefined ? {} : { entries }),
    ...(perMessage === undefined ? {} : { perMessage }),
    ...(bytesPerMessage === undefined ? {} : { bytesPerMessage }),
  };
}

const listIn = (value: unknown): Payload[] => (Array.isArray(value) ? value.filter(isObject) : []);

export interface ListMessage {
  readonly updateType: 'Full' | 'Differential';
  readonly version: number;
  readonly changes: readonly ListChange[];
}

export const tellList = (protocol: Protocol, { updateType, version, changes }: ListMessage): Asked => ({
  operation: 'send-local-list',
  body: { updateType, version, entries: changes.map((change) => entryFor(protocol, change)) },
});

function entryFor(protocol: Protocol, { uid, type, entry }: ListChange): Payload {
  return {
    idTag: uid,
    // Cards are read by their UID; what is no card was given out by this system.
    idTokenType: type === 'RFID' ? 'ISO14443' : 'Central',
    ...(entry === undefined
      ? {}
      : {
          status: protocol === 'ocpp1.6' ? authStatus16(entry.status) : entry.status,
          ...(entry.expiresAt === undefined ? {} : { expiresAt: entry.expiresAt }),
          ...(entry.group === undefined ? {} : { parentIdTag: entry.group }),
        }),
  };
}

/** An entry of a frame is about this long at most, in bytes of JSON, beside what stands around all of them. */
export const bytesOf = (protocol: Protocol, change: ListChange): number =>
  Buffer.byteLength(JSON.stringify(entryFor(protocol, change))) + 120;

/** `-1`: it has no local lists (OCPP 1.6, 5.10). undefined: nothing that can be used. */
export function versionIn(response: Payload): number | undefined {
  const version = response.listVersion ?? response.versionNumber;
  return typeof version === 'number' && Number.isInteger(version) ? version : undefined;
}

export type Said =
  | { readonly said: 'accepted'; readonly response: Payload }
  /** It has no such thing, and will not until it is another charger. */
  | { readonly said: 'unsupported'; readonly detail: string }
  /** 1.6 and 2.x VersionMismatch and Failed: the whole list is due. */
  | {
      readonly said: 'refused';
      readonly detail: string;
      readonly response: Payload;
      /** Of the response; undefined: it was a CALLERROR. */
      readonly status?: string;
    }
  | { readonly said: 'offline'; readonly detail: string }
  | { readonly said: 'silent'; readonly detail: string };

/** CALLERRORs that mean that the charger does not know this. */
const UNKNOWN = new Set(['NotImplemented', 'NotSupported']);

export function saidBy(command: Command | undefined): Said {
  const outcome = command?.outcome;
  switch (outcome?.type) {
    case 'command.accepted':
      return { said: 'accepted', response: outcome.response };
    case 'command.rejected':
      return outcome.status === 'NotSupported'
        ? { said: 'unsupported', detail: 'the charger said NotSupported' }
        : {
            said: 'refused',
            detail: `the charger said ${outcome.status}`,
            response: outcome.response,
            status: outcome.status,
          };
    case 'command.failed':
      return UNKNOWN.has(outcome.code)
        ? { said: 'unsupported', detail: `the charger answered ${outcome.code}` }
        : { said: 'refused', detail: `${outcome.code} ${outcome.description}`.trim(), response: {} };
    case 'command.offline':
      return { said: 'offline', detail: outcome.detail };
    case 'command.timed-out':
      return { said: 'silent', detail: outcome.detail };
    case undefined:
      return { said: 'silent', detail: 'what came of the command is not known' };
  }
}
