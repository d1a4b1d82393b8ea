/**
 * Sealing and opening: AES-256-GCM (NIST SP 800-38D) with a nonce of 96 random bits. What it belongs to is its associated
 * data, so that a ciphertext that is moved to another entity, or another field, does not open. One key seals a few values
 * of one account: far below the 2^32 that random nonces are good for.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const NONCE = 12;
const TAG = 16;
/** Sealed text is as long as a multiple of this: how long a name is, is nobody's to see. */
const BLOCK = 64;

export const newKey = (): Buffer => randomBytes(32);

/** base64url of nonce, ciphertext and tag. @param key 32 bytes */
export function seal(key: Buffer, text: string, belongsTo: string): string {
  const bytes = Buffer.from(text);
  const padded = Buffer.alloc(Math.ceil((bytes.length + 1) / BLOCK) * BLOCK);
  bytes.copy(padded);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(belongsTo));
  return Buffer.concat([nonce, cipher.update(padded), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** undefined: it was sealed with another key, for another entity, or is damaged. */
export function unseal(key: Buffer, data: string, belongsTo: string): string | undefined {
  const bytes = Buffer.from(data, 'base64url');
  if (bytes.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(Buffer.from(belongsTo));
  decipher.setAuthTag(bytes.subarray(-TAG));
  try {
    const padded = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
    const end = padded.indexOf(0);
    return padded.subarray(0, end === -1 ? padded.length : end).toString();
  } catch {
    return undefined;
  }
}

/** The same for the same address, whatever its case; without the key no guess can be tested against it. */
export const tagOf = (key: Buffer, email: string): string =>
  createHmac('sha256', key).update(`e-mail address: ${email.toLowerCase()}`).digest('base64url').slice(0, 32);
