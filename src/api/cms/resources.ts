/**
 * The closed table of what the CMS API has: one row per kind. The routes are made of it; nothing else here knows kinds.
 */
import { z } from 'zod';
import { readKey } from '../../domain/charging/ocmf.js';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { ROLES, type Role } from '../../domain/registry/account.js';
import type { StateOf } from '../../domain/registry/kinds.js';
import { OUTAGE_CAUSES } from '../../domain/registry/outage.js';
import { keptThroughChange } from '../../domain/registry/rotating.js';
import { tokenIdOf } from '../../domain/registry/token.js';
import type { PersonalData } from '../../registry/keys/personal-data.js';
import { hashComplaint, hashPassword } from '../../registry/passwords.js';
import { hashPersonsPassword } from '../../registry/people.js';
import type { FieldError } from '../field-errors.js';

export interface Resource<K extends EntityKind = EntityKind> {
  readonly kind: K;
  /** `/api/cms/<path>`, and the member that holds a page of them. */
  readonly path: string;
  readonly param: string;
  /** One of them, in words. */
  readonly name: string;
  /** From the path parameter to the entity's id. */
  readonly idOf: (param: string) => string;
  /** A new one may leave its id to us. */
  readonly makesId: boolean;
  readonly filters: { readonly [name: string]: Filter<K> };
  /** Written, never read: turned into what is kept. */
  readonly writeOnly: { readonly [field: string]: WriteOnly };
  /** Shown, passed over when it comes back, and never a caller's to say. */
  readonly shownOnly?: readonly string[];
  /** What of the entity is not the caller's: it stays through his change. `given`: the body as he sent it. */
  readonly stays?: (current: StateOf[K], given: Record<string, unknown>) => Partial<StateOf[K]>;
  /** What a shape cannot say, because it asks the machine. */
  readonly check?: (state: StateOf[K]) => FieldError[];
  readonly example: Record<string, unknown>;
  readonly readers: readonly Role[];
  readonly writers: readonly Role[];
}

interface Filter<K extends EntityKind> {
  readonly query: z.ZodType<string>;
  readonly admits: (state: StateOf[K], value: string, people: PersonalData) => boolean;
  /** Awaited before `admits` is asked. */
  readonly prepare?: (people: PersonalData) => Promise<unknown>;
}

interface WriteOnly {
  readonly input: z.ZodType<string>;
  /** The field of the state that it becomes. */
  readonly becomes: string;
  readonly keep: (given: string) => Promise<string>;
  /** It stays as it is when it is not given again, as long as this holds. */
  readonly stays: (state: Record<string, unknown>) => boolean;
}

const word = z.string().min(1).max(255);
const equal =
  <K extends EntityKind>(field: keyof StateOf[K] & string): Filter<K>['admits'] =>
  (state, value) =>
    String(state[field]) === value;
const filter = <K extends EntityKind>(
  field: keyof StateOf[K] & string,
  query: z.ZodType<string> = word,
): Filter<K> => ({ query, admits: equal<K>(field) });
const flag = z.enum(['true', 'false']);
const contains = (text: string | undefined, part: string): boolean =>
  text?.toLowerCase().includes(part.toLowerCase()) ?? false;

const same = (param: string): string => param;
const everybody = ROLES.filter((role) => role !== 'customer');
const operators: readonly Role[] = ['operator', 'admin'];

const stations: Resource<'station'> = {
  kind: 'station',
  path: 'stations',
  param: 'stationId',
  name: 'station',
  idOf: same,
  makesId: true,
  filters: {
    city: filter('city'),
    country: filter('country'),
    search: {
      query: word.describe('Part of id, name, address or city'),
      admits: ({ id, name, address, city }, part) =>
        [id, name, address, city].some((text) => contains(text, part)),
    },
  },
  writeOnly: {},
  check: ({ time_zone: zone }) =>
    isTimeZone(zone) ? [] : [{ field: 'time_zone', message: 'is no time zone known here' }],
  example: {
    id: 'st-1',
    name: 'Harbour',
    address: 'Kade 1',
    city: 'Rotterdam',
    postal_code: '3011AA',
    country: 'NLD',
    coordinates: { latitude: '51.92250', longitude: '4.47917' },
    time_zone: 'Europe/Amsterdam',
    opening_times: { twentyfourseven: true },
    operator: { name: 'Wattstream' },
  },
  readers: everybody,
  writers: operators,
};

const points: Resource<'point'> = {
  kind: 'point',
  path: 'points',
  param: 'chargingPointId',
  name: 'charging point',
  idOf: same,
  makesId: false,
  filters: {
    station: filter('station'),
    account: filter('account'),
    tariff: {
      query: word,
      admits: (point, id) =>
        point.tariff === id ||
        point.evses.some(({ connectors }) => connectors.some(({ tariff }) => tariff === id)),
    },
    search: {
      query: word.describe('Part of id, name or serial number'),
      admits: ({ id, name, serialNumber }, part) =>
        [id, name, serialNumber].some((text) => contains(text, part)),
    },
  },
  writeOnly: {
    password: {
      input: z.string().min(16).max(40).describe('Of Basic authentication; for OCPP 1.6 its 40 hex digits'),
      becomes: 'passwordHash',
      keep: (password) => hashPassword(password),
      stays: ({ securityProfile }) => securityProfile === 1 || securityProfile === 2,
    },
    passwordHash: {
      input: z
        .string()
        .superRefine((hash, context) => {
          const complaint = hashComplaint(hash);
          if (complaint !== undefined) context.addIssue({ code: 'custom', message: complaint });
        })
        .describe('In place of the password: as `wattstream hash-password` makes it'),
      becomes: 'passwordHash',
      keep: async (hash) => hash,
      stays: ({ securityProfile }) => securityProfile === 1 || securityProfile === 2,
    },
  },
  shownOnly: ['rotation'],
  stays: (current, { securityProfile, password, passwordHash }) =>
    keptThroughChange(current, {
      securityProfile,
      givesPassword: typeof (password ?? passwordHash) === 'string',
    }),
  check: ({ meterKeys = [] }) =>
    meterKeys.flatMap((key, index) =>
      readKey(key) === undefined
        ? [{ field: `meterKeys.${index}`, message: 'is no DER SubjectPublicKeyInfo in hex or base64' }]
        : [],
    ),
  example: {
    id: 'CP-1',
    station: 'st-1',
    securityProfile: 1,
    password: '0123456789abcdef0123',
    tariff: 'day',
    evses: [
      {
        evseId: 1,
        evse_id: 'NL*WAT*E0001*1',
        connectors: [
          {
            connectorId: 1,
            standard: 'IEC_62196_T2',
            format: 'SOCKET',
            power_type: 'AC_3_PHASE',
            max_electric_power: 22_000,
          },
        ],
      },
    ],
  },
  readers: everybody,
  writers: operators,
};

const tariffs: Resource<'tariff'> = {
  kind: 'tariff',
  path: 'tariffs',
  param: 'tariffId',
  name: 'tariff',
  idOf: same,
  makesId: true,
  filters: { currency: filter('currency'), type: filter('type') },
  writeOnly: {},
  example: {
    id: 'day',
    currency: 'EUR',
    tariff_alt_text: [{ language: 'en', text: '0.30 per kWh' }],
    elements: [{ price_components: [{ type: 'ENERGY', price: 0.25, vat: 21, step_size: 1 }] }],
  },
  readers: everybody,
  writers: operators,
};

const tokens: Resource<'token'> = {
  kind: 'token',
  path: 'tokens',
  param: 'tokenId',
  name: 'token',
  idOf: tokenIdOf,
  makesId: false,
  filters: {
    account: filter('account'),
    status: filter('status'),
    group_id: {
      query: word,
      admits: ({ group_id: group }, value) => group?.toUpperCase() === value.toUpperCase(),
    },
  },
  writeOnly: {},
  example: { uid: '04A2B3C4D5E680', type: 'RFID', account: 'ac-1', visual_number: 'WS-000-017' },
  readers: operators,
  writers: operators,
};

const accounts: Resource<'account'> = {
  kind: 'account',
  path: 'accounts',
  param: 'accountId',
  name: 'account',
  idOf: same,
  makesId: true,
  filters: {
    role: filter('role', z.enum(ROLES)),
    disabled: filter('disabled', flag),
    email: {
      query: word,
      admits: (state, value, people) => people.hasEmail(state, value),
      prepare: (people) => people.whenTagged(),
    },
  },
  writeOnly: {
    password: {
      input: z.string().min(12).max(200),
      becomes: 'passwordHash',
      keep: hashPersonsPassword,
      stays: () => true,
    },
  },
  example: { id: 'ac-1', role: 'customer', name: 'Somebody', email: 'somebody@example.com' },
  // Who may make admins is an admin.
  readers: ['admin'],
  writers: ['admin'],
};

const outages: Resource<'outage'> = {
  kind: 'outage',
  path: 'outages',
  param: 'outageId',
  name: 'outage',
  idOf: same,
  makesId: true,
  filters: {
    point: filter('point'),
    cause: filter('cause', z.enum(OUTAGE_CAUSES)),
    endsAfter: {
      query: z.iso.datetime({ offset: true }).describe('That had not ended by then'),
      admits: ({ to }, after) => to === null || Date.parse(to) > Date.parse(after),
    },
    beginsBefore: {
      query: z.iso.datetime({ offset: true }).describe('That had begun by then'),
      admits: ({ from }, before) => Date.parse(from) < Date.parse(before),
    },
  },
  writeOnly: {},
  example: {
    id: 'out-1',
    point: 'CP-1',
    from: '2026-04-01T00:00:00Z',
    to: '2026-04-02T00:00:00Z',
    cause: 'utility',
    evidence: "The grid operator's notice 17 of 1 April",
  },
  readers: everybody,
  writers: operators,
};

export const RESOURCES = [stations, points, tariffs, tokens, accounts, outages] as const;
/** As the routes see it: what is not of a kind is taken as any kind's. */
export type AnyResource = Resource<never> & { readonly kind: EntityKind };

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
