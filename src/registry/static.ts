/**
 * The registry as a JSON file, read once at start: for a first installation, tests and small sites.
 *
 *     { "chargePoints": [{ "id": "CP-1", "securityProfile": 1, "passwordHash": "scrypt$...",
 *                          "station": "st-7", "tariff": "day@3",
 *                          "outlets": [{ "connectorId": 2, "tariff": "fast@1" }] }],
 *       "tokens": [{ "token": "04A2B3C4", "account": "ac-9", "status": "Accepted" }] }
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Outlet } from '../domain/charging/events.js';
import { readKey } from '../domain/charging/ocmf.js';
import type { AuthStatus } from '../domain/ocpp/auth-status.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import { type DirectoryOptions, type DirectorySource, directoryOf } from './directory.js';
import { hashComplaint } from './passwords.js';
import type { ChargePoint, ChargePointDirectory } from './ports.js';

const name = z.string().min(1).max(64);
const tariff = z.string().regex(/^.+@\d+$/, 'a tariff is written <id>@<version>');

const chargePoint = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\x20-\x7e]{1,48}$/, 'an id has 1 to 48 printable ASCII characters')
      .refine((id) => !id.includes('/'), 'an id has no "/"'),
    securityProfile: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
    passwordHash: z
      .string()
      .superRefine((hash, context) => {
        const complaint = hashComplaint(hash);
        if (complaint !== undefined) context.addIssue({ code: 'custom', message: complaint });
      })
      .optional(),
    certificateCommonName: name.optional(),
    station: name.optional(),
    account: name.optional(),
    tariff: tariff.optional(),
    meterKeys: z
      .array(
        z.string().refine((key) => !/\s/.test(key) && readKey(key) !== undefined, {
          message: 'a meter key is a public key, DER SubjectPublicKeyInfo in hex or base64',
        }),
      )
      .min(1)
      .optional(),
    outlets: z
      .array(
        z
          .strictObject({
            evseId: z.int().positive().optional(),
            connectorId: z.int().positive().optional(),
            tariff,
          })
          .refine((outlet) => outlet.evseId !== undefined || outlet.connectorId !== undefined, {
            message: 'an outlet names its evseId, its connectorId or both',
          }),
      )
      .default([]),
  })
  .refine((point) => (point.securityProfile % 3 === 0) === (point.passwordHash === undefined), {
    path: ['passwordHash'],
    message: 'profiles 1 and 2 need a passwordHash, profiles 0 and 3 have none',
  });

const token = z.strictObject({
  token: z.string().min(1).max(255),
  account: name.optional(),
  /** Overrides the outlet's (a fleet's own price). */
  tariff: tariff.optional(),
  status: z.enum(['Accepted', 'Blocked', 'Expired', 'Invalid']).default('Accepted'),
  /** Parent group: where a token of the file has this name, what is said of it is said of the group. */
  group_id: z.string().min(1).max(255).optional(),
  /** It may be in several transactions at once. */
  concurrent: z.boolean().optional(),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .optional(),
});

const unique = (key: string) => (items: readonly object[], context: z.RefinementCtx) => {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const value = fold(String((item as Record<string, unknown>)[key]), key);
    if (seen.has(value))
      context.addIssue({ code: 'custom', path: [index, key], message: `${value} occurs twice` });
    seen.add(value);
  });
};
/** Tokens are compared without regard to case (OCPP 1.6 IdToken, 2.x IdTokenType); ids are not. */
const fold = (value: string, key: string): string => (key === 'token' ? value.toUpperCase() : value);

const file = z.strictObject({
  chargePoints: z.array(chargePoint).superRefine(unique('id')).default([]),
  tokens: z.array(token).superRefine(unique('token')).optional(),
});
export type StaticRegistry = z.input<typeof file>;

export type StaticOptions = DirectoryOptions;

/** The file alone. Throws REGISTRY_FILE_INVALID, naming each wrong entry. */
export const staticDirectory = (content: unknown, options: StaticOptions): ChargePointDirectory =>
  directoryOf([staticSource(content)], options);

/** As `staticDirectory`. It has no history: what it says is so at any time. */
export function staticSource(content: unknown): DirectorySource {
  const parsed = file.safeParse(content);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw invalid(wrong.join('; '));
  }
  const points = new Map(parsed.data.chargePoints.map((point) => [point.id, point]));
  const tokens = new Map(parsed.data.tokens?.map((entry) => [entry.token.toUpperCase(), entry]));

  return {
    listsTokens: tokens.size > 0,
    find: (id): ChargePoint | undefined => points.get(id),
    pointAt(id) {
      const point = points.get(id);
      return (
        point && {
          station: point.station,
          account: point.account,
          meterKeys: point.meterKeys,
          tariff: (outlet) =>
            point.outlets.find((candidate) => sameOutlet(candidate, outlet))?.tariff ?? point.tariff,
        }
      );
    },
    tokenAt(text, at) {
      const entry = tokens.get(text.toUpperCase());
      if (entry === undefined) return undefined;
      const { account, tariff, group_id: group, concurrent } = entry;
      const parent = group === undefined ? undefined : tokens.get(group.toUpperCase());
      const own = statusAt(entry, at);
      const ends = [entry, parent].flatMap((one) => one?.expiresAt ?? []);
      return {
        status: own === 'Accepted' && parent !== undefined ? statusAt(parent, at) : own,
        account,
        tariff,
        expiresAt: ends.length === 0 ? undefined : Math.min(...ends),
        group,
        concurrent,
      };
    },
  };
}

const statusAt = ({ status, expiresAt }: z.output<typeof token>, at: number): AuthStatus =>
  status === 'Accepted' && expiresAt !== undefined && at >= expiresAt ? 'Expired' : status;

/** As `readStaticSource`, for whoever has nothing but the file. */
export const readStaticDirectory = (path: string | undefined, options: StaticOptions): ChargePointDirectory =>
  directoryOf([readStaticSource(path)], options);

/** `path` undefined: a registry without entries. Throws REGISTRY_FILE_UNREADABLE or REGISTRY_FILE_INVALID. */
export function readStaticSource(path: string | undefined): DirectorySource {
  if (path === undefined) return staticSource({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WattstreamError('REGISTRY_FILE_UNREADABLE', `Cannot read ${path}: ${messageOf(cause)}`, {
      cause,
      remedy: 'WATTSTREAM_CHARGE_POINTS names a JSON file this process may read.',
    });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  return staticSource(content);
}

const invalid = (what: string, cause?: unknown): WattstreamError =>
  new WattstreamError('REGISTRY_FILE_INVALID', `The file of charge points is wrong: ${what}`, {
    cause,
    remedy: 'See src/registry/README.md for its shape and for how to make a passwordHash.',
  });

/** A listed EVSE without a connector stands for all its connectors. */
const sameOutlet = (listed: Outlet, asked: Outlet | undefined): boolean =>
  asked !== undefined &&
  (listed.evseId === undefined || listed.evseId === asked.evseId) &&
  (listed.connectorId === undefined || listed.connectorId === asked.connectorId);
