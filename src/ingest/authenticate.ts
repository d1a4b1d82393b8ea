/**
 * Who is admitted, by the OCPP security profile the registry holds for a charge point (1.6 Security
 * Whitepaper section 3; 2.0.1 Part 2, A00):
 *
 * | profile | transport | proof |
 * |---|---|---|
 * | 0 | any | none; only with WATTSTREAM_ALLOW_PLAIN |
 * | 1 | any | Basic |
 * | 2 | TLS | Basic |
 * | 3 | TLS | client certificate whose CN is the id (or the one the registry names) |
 *
 * The profile is the least that is taken; everything is decided before the upgrade is answered.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { keysOf } from '../domain/registry/rotating.js';
import { nameOfKey, type PasswordChecker } from '../registry/passwords.js';
import type { ChargePoint, ChargePointDirectory, SecurityProfile } from '../registry/ports.js';
import type { RefusalReason } from './refusals.js';

export interface Admittance {
  readonly acceptUnknown: boolean;
  readonly allowPlain: boolean;
}

export type Verdict =
  | {
      readonly securityProfile: SecurityProfile;
      /** `nameOfKey` of the key it came with, where it came with one. */
      readonly keyName?: string;
    }
  | { readonly refusal: RefusalReason };

/** How the request reached us, freed of sockets. */
export interface Presented {
  readonly tls: boolean;
  /** CN of a client certificate that the configured CA vouches for. */
  readonly trustedCommonName?: string;
  readonly authorization?: string;
}

export async function authenticate(
  id: string,
  presented: Presented,
  directory: Pick<ChargePointDirectory, 'find'>,
  passwords: PasswordChecker,
  rule: Admittance,
): Promise<Verdict> {
  const point = directory.find(id);
  if (point === undefined)
    return rule.acceptUnknown ? { securityProfile: 0 } : { refusal: 'CHARGE_POINT_UNKNOWN' };
  switch (point.securityProfile) {
    case 0:
      return rule.allowPlain ? { securityProfile: 0 } : { refusal: 'PLAIN_NOT_ALLOWED' };
    case 1:
      return basic(point, presented, passwords);
    case 2:
      return presented.tls ? basic(point, presented, passwords) : { refusal: 'TLS_REQUIRED' };
    case 3:
      return certificate(point, presented);
  }
}

async function basic(point: ChargePoint, presented: Presented, passwords: PasswordChecker): Promise<Verdict> {
  if (presented.authorization === undefined) return { refusal: 'CREDENTIALS_MISSING' };
  const password = basicPassword(presented.authorization, point.id);
  if (password === undefined) return { refusal: 'CREDENTIALS_WRONG' };
  // While a new key is on its way nobody can tell which of them the charger has.
  for (const hash of keysOf(point))
    if (await passwords.matches(password, hash))
      return { securityProfile: point.securityProfile, keyName: nameOfKey(hash) };
  return { refusal: 'CREDENTIALS_WRONG' };
}

function certificate(point: ChargePoint, presented: Presented): Verdict {
  if (!presented.tls) return { refusal: 'TLS_REQUIRED' };
  if (presented.trustedCommonName === undefined) return { refusal: 'CERTIFICATE_MISSING' };
  return presented.trustedCommonName === (point.certificateCommonName ?? point.id)
    ? { securityProfile: 3 }
    : { refusal: 'CERTIFICATE_OTHER' };
}

/**
 * The password of a Basic header as raw bytes (1.6 keys are no UTF-8), if its user name is `id`. An id may
 * itself hold a colon (2.0.1 allows it), so the split is after the id, not at the first colon.
 */
export function basicPassword(authorization: string, id: string): Buffer | undefined {
  const match = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization);
  if (match === null) return undefined;
  const userAndPassword = Buffer.from(match[1] as string, 'base64');
  const user = Buffer.from(`${id}:`);
  return userAndPassword.subarray(0, user.length).equals(user)
    ? userAndPassword.subarray(user.length)
    : undefined;
}

export function presentedBy(request: IncomingMessage): Presented {
  const { socket } = request;
  const tls = socket instanceof TLSSocket;
  const name = tls && socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
  const authorization = request.headers.authorization;
  return {
    tls,
    ...(typeof name === 'string' ? { trustedCommonName: name } : {}),
    ...(authorization === undefined ? {} : { authorization }),
  };
}
