/**
 * Secrets of subscriptions: made here, shown once, kept in the registry's log for ever. With WATTSTREAM_SECRETS_KEY they
 * are kept sealed (AES-256-GCM, bound to the subscription's id); without, as they are.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { WattstreamError } from '../../platform/errors.js';

/** What is kept: after a rotation the former secret signs beside the new one for a while. */
const kept = z.object({
  current: z.string(),
  former: z.object({ secret: z.string(), until: z.number() }).optional(),
});
export type Secrets = z.infer<typeof kept>;

/** Standard Webhooks: `whsec_` and 24 to 64 random bytes in base64. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export const rotated = (secrets: Secrets, until: number): Secrets => ({
  current: newSecret(),
  former: { secret: secrets.current, until },
});

/** Those to sign with now (epoch ms), the newest first. */
export const inForce = ({ current, former }: Secrets, now: number): string[] =>
  former !== undefined && now < former.until ? [current, former.secret] : [current];

export interface SecretKeeper {
  seal(id: string, secrets: Secrets): string;
  /** Throws WEBHOOK_SECRET_UNREADABLE: sealed under another key. */
  open(id: string, text: string): Secrets;
}

const PLAIN = 'plain:';
const SEALED = 'aes256gcm:';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function secretKeeper(passphrase: string | undefined): SecretKeeper {
  const key =
    passphrase === undefined
      ? undefined
      : new Uint8Array(hkdfSync('sha256', passphrase, '', 'wattstream webhook secrets', 32));
  return {
    seal(id, secrets) {
      const text = JSON.stringify(secrets);
      if (key === undefined) return PLAIN + text;
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(id));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return SEALED + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(id, text) {
      try {
        if (text.startsWith(PLAIN)) return kept.parse(JSON.parse(text.slice(PLAIN.length)));
        if (key === undefined) throw new Error('there is no key');
        const bytes = Buffer.from(text.slice(SEALED.length), 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
          .setAAD(Buffer.from(id))
          .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const opened = Buffer.concat([
          decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
          decipher.final(),
        ]);
        return kept.parse(JSON.parse(opened.toString('utf8')));
      } catch (cause) {
        throw new WattstreamError(
          'WEBHOOK_SECRET_UNREADABLE',
          `The secret of webhook ${id} cannot be read.`,
          {
            cause,
            remedy: 'It was sealed under another WATTSTREAM_SECRETS_KEY: set that one, or rotate the secret.',
          },
        );
      }
    },
  };
}
