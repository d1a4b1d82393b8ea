/**
 * What the gateways ask of the registry: who may connect, whose token is it, what does it cost. Answers come
 * from memory, at once: these questions stand on the way of every charger's answer.
 */
import type { IdToken, Outlet } from '../domain/charging/events.js';
import type { Judgement } from '../domain/ocpp/judgement.js';

/** OCPP security profiles (1.6 Security Whitepaper; 2.0.1 Part 2, A00); 0 = no credentials at all. */
export type SecurityProfile = 0 | 1 | 2 | 3;

export interface ChargePoint {
  readonly id: string;
  readonly securityProfile: SecurityProfile;
  /** As made by `hashPassword`; present for profiles 1 and 2. */
  readonly passwordHash?: string;
  /** Of a key that is on its way to it, beside the other: it may come with either. */
  readonly nextPasswordHash?: string;
  /** Of keys that were on their way before that one, and that it may have taken all the same. */
  readonly earlierNextPasswordHashes?: readonly string[];
  /** Common name its client certificate must carry (profile 3). Default: the id. */
  readonly certificateCommonName?: string;
  readonly station?: string;
  /** Pays for every session here, whoever shows a token (a charger at somebody's home). */
  readonly account?: string;
  /** `<id>@<version>`. */
  readonly tariff?: string;
  /** Public keys of its meters, DER SubjectPublicKeyInfo in hex or base64. */
  readonly meterKeys?: readonly string[];
}

/** Written into the record of a frame, so that the log alone is enough to recompute everything. */
export interface Enrichment {
  station?: string;
  account?: string;
  /** `<id>@<version>`; versions are immutable. */
  tariff?: string;
  /** Separated by spaces; for frames that carry signed meter data. */
  meterKeys?: string;
}

export interface ChargePointDirectory {
  /** undefined = nobody has registered it. Ids are compared as they are: OCPP identities are case-sensitive. */
  find(id: string): ChargePoint | undefined;
  /** `at` = epoch milliseconds of the event that shows the token, not of its arrival. */
  authorize(token: string, at: number): Judgement;
  enrich(
    chargePointId: string,
    outlet: Outlet | undefined,
    token: IdToken | undefined,
    at: number,
    signed?: boolean,
  ): Enrichment;
}
