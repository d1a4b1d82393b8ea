/**
 * What a friendly operation is: a name for a route, one shape of body for all versions of OCPP, and for each version
 * the action and payload it comes to. What a version does not have it says with the name of what to use instead.
 */
import { z } from 'zod';
import type { Payload } from '../payload.js';
import type { Protocol } from '../record.js';

export interface Call {
  readonly action: string;
  readonly payload: Payload;
}

export type Translated =
  | ({ readonly kind: 'call' } & Call)
  /** The version has nothing of the kind; what to use instead, as a sentence. */
  | { readonly kind: 'instead'; readonly sentence: string }
  /** The body cannot be said in this version. */
  | { readonly kind: 'wrong'; readonly field: string; readonly message: string };

export interface TranslateContext {
  readonly protocol: Protocol;
  /** UTC, ISO 8601: for what begins at once where the version wants a time. */
  readonly now: string;
}

export interface Operation<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** kebab-case: POST /api/charger/<name>. */
  readonly name: string;
  readonly summary: string;
  /** Beside what every command has (chargePointId and so on). */
  readonly shape: Shape;
  readonly example: object;
  translate(body: Readonly<Record<string, unknown>>, context: TranslateContext): Translated;
}

export type Body<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

export interface Definition<Shape extends z.ZodRawShape> {
  readonly name: string;
  readonly summary: string;
  readonly shape: Shape;
  readonly example: z.input<z.ZodObject<Shape>>;
  in16(body: Body<Shape>, context: TranslateContext): Translated;
  in2x(body: Body<Shape>, context: TranslateContext): Translated;
}

export const operation = <Shape extends z.ZodRawShape>({
  name,
  summary,
  shape,
  example,
  in16,
  in2x,
}: Definition<Shape>): Operation<Shape> => ({
  name,
  summary,
  shape,
  example,
  translate: (body, context) => (context.protocol === 'ocpp1.6' ? in16 : in2x)(body as Body<Shape>, context),
});

/** Properties without a value are left out, nested ones too. */
export const call = (action: string, payload: object = {}): Translated => ({
  kind: 'call',
  action,
  payload: withoutHoles(payload) as Payload,
});
export const instead = (sentence: string): Translated => ({ kind: 'instead', sentence });
export const wrong = (field: string, message: string): Translated => ({ kind: 'wrong', field, message });

function withoutHoles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHoles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [[key, withoutHoles(inner)]],
    ),
  );
}

// ---- what several bodies have in common ----

export const instant = z.iso.datetime({ offset: true }).describe('RFC 3339 with a zone');

export const outletShape = {
  evseId: z
    .int()
    .min(0)
    .optional()
    .describe('2.x: the EVSE. 1.6 has connectors only: there it is the connector'),
  connectorId: z
    .int()
    .min(0)
    .optional()
    .describe('1.6: the connector. 2.x: the connector of the EVSE, or, without evseId, the EVSE'),
};
type OutletBody = { evseId?: number | undefined; connectorId?: number | undefined };

/** 1.6 knows connectors, which are what 2.x calls EVSEs. */
export const connector16 = ({ evseId, connectorId }: OutletBody): number | undefined => evseId ?? connectorId;
export const evse2x = ({ evseId, connectorId }: OutletBody): number | undefined => evseId ?? connectorId;
/** `connectorId` means the connector only beside an EVSE; `fallback` where the version wants one. */
export const connector2x = ({ evseId, connectorId }: OutletBody, fallback?: number): number | undefined =>
  evseId === undefined ? fallback : (connectorId ?? fallback);

export const idTag = z.string().min(1).max(36).describe('1.6: at most 20 characters');
export const idTokenType = z
  .string()
  .max(20)
  .optional()
  .describe('2.x: Central, eMAID, ISO14443, ISO15693, KeyCode, Local, MacAddress, NoAuthorization');

export const jobShape = {
  retries: z.int().min(0).optional(),
  retryIntervalSeconds: z.int().min(0).optional(),
};
export const requestId = z.int().min(0).optional().describe('Made from the command id when left out');
