/**
 * Charge point passwords at rest: `scrypt$<log2 N>$<salt>$<hash>` in base64url.
 *
 * The cost is deliberately below what people's passwords need (N = 2^12: about 10 ms and 4 MiB): these are
 * random keys of at least 16 characters made by machines (2.0.1 Part 2, BasicAuthPassword) that no
 * dictionary holds, and after a power cut ten thousand chargers present theirs within a minute.
 */
import {
  createHash,
  createHmac,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { WattstreamError } from '../platform/errors.js';

const LOG2_N = 12;
const HASH_BYTES = 32;
const FORM = /^scrypt\$(\d{1,2})\$([\w-]{16,})\$([\w-]{43})$/;

/**
 * OCPP 1.6 writes the key as 40 hex digits (AuthorizationKey) and sends the 20 bytes they stand for
 * (Security Whitepaper, TLS with Basic Authentication); some chargers send the digits. Both are one password.
 */
function canonical(password: Buffer): Buffer {
  const text = password.toString('latin1');
  return /^[0-9a-fA-F]{40}$/.test(text) ? Buffer.from(text, 'hex') : password;
}

const derive = (password: Buffer, salt: Buffer, log2n: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options: ScryptOptions = { N: 2 ** log2n, r: 8, p: 1, maxmem: 2 ** (log2n + 11) };
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => (error ? reject(error) : resolve(hash)));
  });

/** For the registry; another text at each call (salted). `password`: text, or the raw bytes; `log2n`: what it costs. */
export async function hashPassword(password: string | Buffer, log2n = LOG2_N): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(canonical(Buffer.from(password as string)), salt, log2n);
  return `scrypt$${log2n}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/**
 * By which a process can say which key a charger came with: of the salted hash, so it says nothing of the key, and no
 * two keys share it.
 */
export const nameOfKey = (hash: string): string =>
  createHash('sha256').update(hash).digest('hex').slice(0, 16);

/** undefined = well formed, else what is wrong. */
export function hashComplaint(hash: string): string | undefined {
  const match = FORM.exec(hash);
  if (match === null) return 'is not scrypt$<log2 N>$<salt>$<hash>';
  const log2n = Number(match[1]);
  return log2n < 10 || log2n > 20 ? `has a cost of 2^${log2n}; 2^10 to 2^20 are taken` : undefined;
}

/**
 * Checks passwords in constant time, and remembers right ones (as a MAC under a key of this process), so that
 * a storm of reconnects costs microseconds each instead of a scrypt each.
 */
export class PasswordChecker {
  private readonly key = randomBytes(32);
  private readonly known = new Map<string, Buffer>();

  /** Throws PASSWORD_HASH_INVALID when `hash` is not one of `hashPassword`. */
  async matches(password: Buffer, hash: string): Promise<boolean> {
    const match = FORM.exec(hash);
    if (match === null || hashComplaint(hash) !== undefined)
      throw new WattstreamError('PASSWORD_HASH_INVALID', 'A password hash in the registry is malformed', {
        remedy: 'Make it again with `wattstream hash-password`.',
      });
    const mac = createHmac('sha256', this.key).update(canonical(password)).digest();
    const remembered = this.known.get(hash);
    if (remembered !== undefined && timingSafeEqual(remembered, mac)) return true;
    const [, log2n, salt, expected] = match as unknown as [string, string, string, string];
    const derived = await derive(canonical(password), Buffer.from(salt, 'base64url'), Number(log2n));
    if (!timingSafeEqual(derived, Buffer.from(expected, 'base64url'))) return false;
    this.known.set(hash, mac);
    return true;
  }
}
