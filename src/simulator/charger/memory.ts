import { createHash } from 'node:crypto';
import type { Payload } from './call.js';

export interface KeptProfile {
  readonly id: number;
  /** 0: the whole charger. */
  readonly connectorId: number;
  readonly purpose: string;
  readonly stackLevel: number;
  readonly unit: string;
  readonly periods: readonly { readonly startPeriod: number; readonly limit: number }[];
  /** As it was given. */
  readonly given: Payload;
}

export interface KeptCertificate {
  readonly type: string;
  readonly hash: {
    readonly hashAlgorithm: string;
    readonly issuerNameHash: string;
    readonly issuerKeyHash: string;
    readonly serialNumber: string;
  };
}

/** Of a local list: what these chargers can hold, and what they take in one message. */
export const LIST_ENTRIES = 10_000;
export const LIST_PER_MESSAGE = 100;

/** What a charger keeps because its server said so. It survives reboots, as flash memory does. */
export class Memory {
  localListVersion = 0;
  /** What is said of each token, by its upper case. */
  readonly localList = new Map<string, { readonly token: string; readonly info: Payload }>();
  profiles: KeptProfile[] = [];
  certificates: KeptCertificate[] = [];
  readonly displayMessages = new Map<number, Payload>();

  /**
   * OCPP 1.6, 5.15; 2.0.1 Part 2, D01. An entry without its info is taken off the list. More than it can hold, or than it
   * takes in one message, it refuses, and what it had stays.
   */
  updateList(
    version: number,
    kind: string,
    entries: readonly { readonly token: string; readonly info: Payload | undefined }[],
  ): 'Accepted' | 'VersionMismatch' | 'Failed' {
    if (kind === 'Differential' && version <= this.localListVersion) return 'VersionMismatch';
    if (entries.length > LIST_PER_MESSAGE) return 'Failed';
    const list = new Map(kind === 'Full' ? [] : this.localList);
    for (const { token, info } of entries) {
      if (info === undefined) list.delete(token.toUpperCase());
      else list.set(token.toUpperCase(), { token, info });
    }
    if (list.size > LIST_ENTRIES) return 'Failed';
    this.localList.clear();
    for (const [key, entry] of list) this.localList.set(key, entry);
    this.localListVersion = version;
    return 'Accepted';
  }

  /** One of the same purpose, level and connector is replaced, and one of the same id (OCPP 1.6, 3.13.2). */
  setProfile(profile: KeptProfile): void {
    const { id, connectorId, purpose, stackLevel } = profile;
    this.profiles = this.profiles.filter(
      (one) =>
        one.id !== id &&
        !(one.connectorId === connectorId && one.purpose === purpose && one.stackLevel === stackLevel),
    );
    this.profiles.push(profile);
  }

  /** False when none matched. */
  clearProfiles(matches: (profile: KeptProfile) => boolean): boolean {
    const left = this.profiles.filter((profile) => !matches(profile));
    const found = left.length < this.profiles.length;
    this.profiles = left;
    return found;
  }

  /** Those that apply to a connector; the charger's own (0) apply to all. */
  profilesFor(connectorId: number): KeptProfile[] {
    return this.profiles.filter((one) => one.connectorId === 0 || one.connectorId === connectorId);
  }

  /** A hash as of a certificate: these chargers do not read ASN.1. */
  install(type: string, certificate: string): void {
    const digest = (what: string): string =>
      createHash('sha256').update(what).update(certificate).digest('hex');
    const hash = {
      hashAlgorithm: 'SHA256',
      issuerNameHash: digest('name'),
      issuerKeyHash: digest('key'),
      serialNumber: digest('serial').slice(0, 16),
    };
    if (!this.certificates.some((one) => one.hash.serialNumber === hash.serialNumber))
      this.certificates.push({ type, hash });
  }

  deleteCertificate({ serialNumber }: { serialNumber?: unknown }): boolean {
    const left = this.certificates.filter(({ hash }) => hash.serialNumber !== serialNumber);
    const found = left.length < this.certificates.length;
    this.certificates = left;
    return found;
  }
}
