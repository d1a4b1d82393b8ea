/**
 * Signed meter readings in OCMF (Open Charge Metering Format, S.A.F.E. e.V., version 1.x): the text
 * `OCMF|<payload>|<signature>`, both JSON, the signature made over the payload's bytes as they stand. A reading
 * counts only when its signature holds under a key that somebody registered for that meter: a key that comes
 * with the data proves nothing.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { toMilli } from '../ocpp/decimal.js';
import { unitOf } from '../ocpp/units.js';

/** One register at the beginning or the end of a transaction. */
export interface SignedReading {
  readonly edge: 'begin' | 'end';
  /** OBIS code of the register: readings of two registers make no pair. */
  readonly register: string;
  /** mWh. */
  readonly milli: number;
}

/** `unknown`: not OCMF (EDL, a maker's own format), so nothing can be said. */
export type Verified = { readonly readings: readonly SignedReading[] } | 'invalid' | 'unknown';

const reading = z.looseObject({
  TX: z.string().optional(),
  RV: z.union([z.number(), z.string()]).optional(),
  RI: z.string().optional(),
  RU: z.string().optional(),
  ST: z.string().optional(),
  EF: z.string().nullable().optional(),
});
const payload = z.looseObject({ RD: z.array(reading) });
const signature = z.looseObject({
  SA: z.string().default('ECDSA-secp256r1-SHA256'),
  SE: z.enum(['hex', 'base64']).default('hex'),
  SD: z.string(),
});
/** OCPP 2.x SignedMeterValueType; OCPP 1.6 carries the same as text (OCA, "Signed Meter Values in OCPP"). */
const wrapped = z.looseObject({ signedMeterData: z.string() });

/**
 * What signed data says, if one of `keys` vouches for it.
 * @param signed a `Sample.signed`: OCMF itself, or a SignedMeterValueType as JSON around it (plain or base64)
 * @param keys as `readKey` takes them
 * @param context OCPP reading context, for readings that do not say themselves what they are (TX)
 */
export function verifyOcmf(signed: string, keys: readonly string[], context: string): Verified {
  const sections = /^OCMF\|(.*)\|([^|]*)$/s.exec(unwrap(signed));
  if (sections === null) return 'unknown';
  const [, body, trailer] = sections as unknown as [string, string, string];
  const [said, sealed] = [payload.safeParse(jsonOf(body)), signature.safeParse(jsonOf(trailer))];
  if (!said.success || !sealed.success) return 'invalid';
  const digest = /SHA(256|384|512)$/.exec(sealed.data.SA.replace('-', ''))?.[0].toLowerCase() ?? 'sha256';
  const bytes = Buffer.from(sealed.data.SD, sealed.data.SE);
  const holds = keys.some((text) => {
    const key = readKey(text);
    if (key === undefined) return false;
    try {
      return verify(digest, Buffer.from(body), key, bytes);
    } catch {
      return false;
    }
  });
  return holds ? { readings: readingsOf(said.data.RD, context) } : 'invalid';
}

function unwrap(signed: string): string {
  const text = signed.trim();
  if (!text.startsWith('{')) return text;
  const inner = wrapped.safeParse(jsonOf(text));
  if (!inner.success) return '';
  const { signedMeterData } = inner.data;
  return signedMeterData.startsWith('OCMF|')
    ? signedMeterData
    : Buffer.from(signedMeterData, 'base64').toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** OCMF table "Reading status of transaction": B begins; E, L, R, A, P end it; the others are in between. */
const EDGES: Record<string, SignedReading['edge'] | undefined> = {
  B: 'begin',
  E: 'end',
  L: 'end',
  R: 'end',
  A: 'end',
  P: 'end',
};
const CONTEXT_EDGES: Record<string, SignedReading['edge'] | undefined> = {
  'Transaction.Begin': 'begin',
  'Transaction.End': 'end',
};
/** OBIS of energy that was fed back: 2.8 and C0 to C3 (OCMF, reserved identifiers). */
const EXPORT = /(?:^|[:.-])(?:0?2\.0?8|C[0-3]\.0?8)\./i;

function readingsOf(all: readonly z.infer<typeof reading>[], context: string): SignedReading[] {
  const readings: SignedReading[] = [];
  // What a reading leaves out is as in the one before.
  let before: z.infer<typeof reading> = {};
  for (const one of all) {
    const { TX, RV, RI = '', RU = '', ST = '', EF } = { ...before, ...one };
    before = { ...before, ...one };
    const edge = TX === undefined ? CONTEXT_EDGES[context] : EDGES[TX];
    const unit = unitOf(RU);
    const isGood = ST === 'G' && !(EF ?? '').includes('E');
    if (edge === undefined || RV === undefined || !isGood || unit?.base !== 'Wh' || EXPORT.test(RI)) continue;
    const milli = toMilli(String(RV), unit.exponent);
    if (!Number.isNaN(milli)) readings.push({ edge, register: RI, milli });
  }
  return readings;
}

const known = new Map<string, KeyObject | undefined>();

/** A public key as DER SubjectPublicKeyInfo in hex or base64; undefined when it is none. */
export function readKey(text: string): KeyObject | undefined {
  if (!known.has(text)) {
    if (known.size > 10_000) known.clear();
    known.set(text, parseKey(text));
  }
  return known.get(text);
}

function parseKey(text: string): KeyObject | undefined {
  const key = Buffer.from(text, /^[0-9a-f]+$/i.test(text) ? 'hex' : 'base64');
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
