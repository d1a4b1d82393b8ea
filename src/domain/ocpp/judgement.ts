/** What is said of a token, and how the versions of OCPP say it to the charger that showed it. */

import { type AuthStatus, type AuthStatus16, authStatus16 } from './auth-status.js';
import type { Protocol } from './record.js';
import { timeText } from './time.js';

export interface Judgement {
  readonly status: AuthStatus;
  /** Epoch milliseconds: from then on Expired. */
  readonly expiresAt?: number | undefined;
  /** Its parent group: whoever shows another token of it may end what this one began. */
  readonly group?: string | undefined;
  /** What its holder reads (RFC 5646). */
  readonly language?: string | undefined;
  /** Somebody lists it, and nobody has allowed it several transactions at once. */
  readonly single?: boolean | undefined;
}

/** OCPP 1.6 section 7.8 IdTagInfo. */
interface IdTagInfo {
  status: AuthStatus16;
  expiryDate?: string;
  parentIdTag?: string;
}

/** A longer group than the version's schema takes is left out: half a name would be another group's. */
const LONGEST_TAG_16 = 20;
const LONGEST_TOKEN_2: Record<Exclude<Protocol, 'ocpp1.6'>, number> = { 'ocpp2.0.1': 36, 'ocpp2.1': 255 };

/**
 * `expiryDate` is when the charger takes it out of its cache (7.8), `parentIdTag` by what it lets a member of the group
 * end the transaction (sections 4.1 and 4.10).
 */
export function idTagInfoOf({ status, expiresAt, group }: Judgement): IdTagInfo {
  const info: IdTagInfo = { status: authStatus16(status) };
  if (expiresAt !== undefined) info.expiryDate = timeText(expiresAt);
  if (group !== undefined && group.length <= LONGEST_TAG_16) info.parentIdTag = group;
  return info;
}

/** OCPP 2.0.1 Part 2, IdTokenInfoType. */
interface IdTokenInfo {
  status: AuthStatus;
  cacheExpiryDateTime?: string;
  groupIdToken?: { idToken: string; type: 'Central' };
  language1?: string;
}

/** C09.FR.02: tokens of a group have its name in common; C09.FR.13 (errata 2025-01): its type is Central. */
export function idTokenInfoOf(
  { status, expiresAt, group, language }: Judgement,
  protocol: Protocol,
): IdTokenInfo {
  const info: IdTokenInfo = { status };
  if (expiresAt !== undefined) info.cacheExpiryDateTime = timeText(expiresAt);
  if (group !== undefined && protocol !== 'ocpp1.6' && group.length <= LONGEST_TOKEN_2[protocol])
    info.groupIdToken = { idToken: group, type: 'Central' };
  if (language !== undefined) info.language1 = language;
  return info;
}
