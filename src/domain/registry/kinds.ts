/** The closed table of kinds: shape, identity, and the rules that hold between entities. */
import type { z } from 'zod';
import type { EntityKind } from '../messages/cms-events.js';
import { type Account, type ApiKey, account, apiKey, plainAccount } from './account.js';
import { type KeyBook, keyBook } from './key-book.js';
import { type Outage, outage } from './outage.js';
import { type Point, point } from './point.js';
import { type Station, station } from './station.js';
import { type Tariff, tariff } from './tariff.js';
import { plainToken, type Token, token, tokenIdOf } from './token.js';
import { type Webhook, webhook } from './webhook.js';

export interface StateOf {
  station: Station;
  point: Point;
  tariff: Tariff;
  token: Token;
  account: Account;
  outage: Outage;
  webhook: Webhook;
  'api-key': ApiKey;
  'key-book': KeyBook;
}

/** Another entity that must be there. */
export interface Reference {
  readonly field: string;
  readonly kind: EntityKind;
  readonly id: string;
  /** The other one cannot be deleted while this is there. */
  readonly holds: boolean;
}

/** A value that only one entity may have. */
export interface Claim {
  readonly field: string;
  /** Names the rule and, within it, the value. */
  readonly value: string;
}

export interface Kind<K extends EntityKind> {
  readonly shape: z.ZodType<StateOf[K]>;
  /** As callers give it and see it, where it stands otherwise in the log. */
  readonly plainShape?: z.ZodType<StateOf[K]>;
  /** Fields that name a person: sealed in the log, and in no table, notification or snapshot in the clear. */
  readonly personal?: readonly string[];
  /** Account under whose key they are sealed; undefined: this one names nobody. */
  ownerOf?(state: StateOf[K]): string | undefined;
  idOf(state: StateOf[K]): string;
  references(state: StateOf[K]): Reference[];
  claims(state: StateOf[K]): Claim[];
  /** Fields that leave through no API, notification or export. */
  readonly secrets: readonly string[];
  /** Former versions whose whole state is kept in memory, because events of that time ask for it. */
  readonly keptStates: number;
  /** Changes go into the log and to nobody else: no notification. */
  readonly untold?: boolean;
}

const to = (kind: EntityKind, field: string, id: string | undefined): Reference[] =>
  id === undefined ? [] : [{ field, kind, id, holds: true }];

const none = (): [] => [];

export const KINDS: { readonly [K in EntityKind]: Kind<K> } = {
  station: {
    shape: station,
    idOf: ({ id }) => id,
    references: none,
    claims: none,
    secrets: [],
    keptStates: 0,
  },
  point: {
    shape: point,
    idOf: ({ id }) => id,
    references: (one) => [
      ...to('station', 'station', one.station),
      ...to('account', 'account', one.account),
      ...to('tariff', 'tariff', one.tariff),
      ...one.evses.flatMap(({ connectors }, evse) =>
        connectors.flatMap(({ tariff: id }, connector) =>
          to('tariff', `evses.${evse}.connectors.${connector}.tariff`, id),
        ),
      ),
    ],
    claims: (one) => [
      ...(one.securityProfile === 3 || one.certificateCommonName !== undefined
        ? [{ field: 'certificateCommonName', value: `certificate ${one.certificateCommonName ?? one.id}` }]
        : []),
      ...one.evses.flatMap(({ evse_id: id }, index) =>
        // The separators are optional (eMI3, part 2): with or without, it is the same EVSE.
        id === undefined
          ? []
          : [{ field: `evses.${index}.evse_id`, value: `evse ${id.replaceAll('*', '').toUpperCase()}` }],
      ),
    ],
    secrets: ['passwordHash', 'nextPasswordHash', 'earlierNextPasswordHashes'],
    keptStates: 50,
  },
  tariff: {
    shape: tariff,
    idOf: ({ id }) => id,
    references: none,
    claims: none,
    secrets: [],
    keptStates: Number.POSITIVE_INFINITY,
  },
  token: {
    shape: token,
    plainShape: plainToken,
    personal: ['contract_id', 'visual_number'],
    // One that is made for a start names nobody: its contract is the request.
    ownerOf: ({ account: of, type }) => (type === 'AD_HOC_USER' ? undefined : of),
    idOf: ({ uid }) => tokenIdOf(uid),
    references: (one) => [...to('account', 'account', one.account), ...to('tariff', 'tariff', one.tariff)],
    claims: none,
    secrets: [],
    keptStates: 50,
  },
  account: {
    shape: account,
    plainShape: plainAccount,
    personal: ['name', 'email'],
    ownerOf: ({ id }) => id,
    idOf: ({ id }) => id,
    references: none,
    // In the clear and sealed are two values for one address: whoever seals looks for the other one.
    claims: ({ email, sealed }) => [
      ...(email === undefined ? [] : [{ field: 'email', value: clearEmail(email) }]),
      ...(sealed?.email === undefined ? [] : [{ field: 'email', value: taggedEmail(sealed.email) }]),
    ],
    secrets: ['passwordHash'],
    keptStates: 50,
  },
  outage: {
    shape: outage,
    idOf: ({ id }) => id,
    // Availability of the past does not hold a charging point that is taken down.
    references: (one) => [{ field: 'point', kind: 'point', id: one.point, holds: false }],
    claims: none,
    secrets: [],
    // So that of a deleted one it is known whose it was.
    keptStates: 1,
  },
  webhook: {
    shape: webhook,
    idOf: ({ id }) => id,
    references: (one) => to('station', 'station', one.station),
    claims: none,
    secrets: ['secret'],
    keptStates: 0,
  },
  'api-key': {
    shape: apiKey,
    idOf: ({ id }) => id,
    references: (one) => to('account', 'account', one.account),
    claims: ({ keyHash }) => [{ field: 'keyHash', value: `key ${keyHash}` }],
    secrets: ['keyHash'],
    keptStates: 0,
  },
  'key-book': {
    shape: keyBook,
    idOf: ({ id }) => id,
    references: none,
    claims: none,
    secrets: [],
    keptStates: 0,
    untold: true,
  },
};

/** The values by which an e-mail address is one account's alone. */
export const clearEmail = (email: string): string => `email ${email.toLowerCase()}`;
export const taggedEmail = (tag: string): string => `email-tag ${tag}`;

/** The entity as anybody may see it. */
export function withoutSecrets(kind: EntityKind, state: object): Record<string, unknown> {
  const { secrets } = KINDS[kind];
  return Object.fromEntries(Object.entries(state).filter(([field]) => !secrets.includes(field)));
}
