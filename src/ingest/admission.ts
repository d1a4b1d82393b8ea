/**
 * The door: how many chargers may come in, how fast, and from where. After a power cut or a restart of ours
 * all of them come at once; those inside must not notice.
 */
import { TokenBucket } from './token-bucket.js';

export interface AdmissionLimits {
  /** Upgrades a second, sustained. */
  readonly perSecond: number;
  /** Upgrades taken at once before the rate applies. */
  readonly burst: number;
  /** Handshakes being judged at the same time (each may hold a core for the 10 ms of a scrypt). */
  readonly concurrent: number;
}

export const ADMISSION: AdmissionLimits = { perSecond: 500, burst: 1_000, concurrent: 64 };

/** How long those turned away are asked to stay away, in seconds; spread, so that they do not return as one. */
const RETRY_AFTER = { least: 2, spread: 28 };

export class Admission {
  private readonly bucket: TokenBucket;
  private judging = 0;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly random: () => number = Math.random,
  ) {
    this.bucket = new TokenBucket(limits.perSecond, limits.burst);
  }

  /** Takes a place in the door; false = come back later. `now`: monotonic milliseconds. */
  enter(now: number): boolean {
    if (this.judging >= this.limits.concurrent || !this.bucket.tryTake(now)) return false;
    this.judging++;
    return true;
  }

  /** The place is free again: judged, whatever the verdict. */
  leave(): void {
    this.judging--;
  }

  retryAfterSeconds(): number {
    return RETRY_AFTER.least + Math.floor(this.random() * RETRY_AFTER.spread);
  }
}

/** Open sockets per remote address, the ones that never say a word included. */
export class AddressBook {
  private readonly open = new Map<string, number>();

  constructor(private readonly limit: number) {}

  enter(address: string): void {
    this.open.set(address, (this.open.get(address) ?? 0) + 1);
  }

  leave(address: string): void {
    const left = (this.open.get(address) ?? 1) - 1;
    if (left === 0) this.open.delete(address);
    else this.open.set(address, left);
  }

  isCrowded(address: string): boolean {
    return (this.open.get(address) ?? 0) > this.limit;
  }
}

/**
 * Chargers that start together would beat together for ever: each is told an interval up to a tenth shorter,
 * always the same for the same id.
 */
export function staggeredSeconds(seconds: number, id: string): number {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) >>> 0;
  // Neighbouring ids (CP-1, CP-2) have neighbouring hashes; multiplying by 2^32 / phi scatters them.
  hash = Math.imul(hash, 0x9e3779b1) >>> 16;
  return Math.max(1, Math.round(seconds * (1 - (hash % 1_000) / 10_000)));
}
