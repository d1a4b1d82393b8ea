/** Requests and sessions as customers see them. */
import { z } from 'zod';
import type { Pricing } from '../../domain/charging/tariff/cost.js';
import { type ChargingRequest, REQUEST_STATES } from '../../domain/customers/request.js';
import { REQUEST_FAILURES } from '../../domain/messages/charging-events.js';
import type { KnownSession } from './book.js';
import type { SessionRow } from './session-row.js';

export const requestOut = z
  .object({
    requestId: z.uuid(),
    kind: z.enum(['start', 'stop']),
    state: z
      .enum(REQUEST_STATES)
      .describe(
        'requested: on its way; accepted: the charger said yes, now plug in; started, stopped and failed are final',
      ),
    code: z.enum(REQUEST_FAILURES).nullable().describe('failed: why'),
    detail: z.string().nullable(),
    chargePointId: z.string(),
    stationId: z.string(),
    evseId: z.int().nullable(),
    connectorId: z.int().nullable(),
    sessionId: z.uuid().nullable().describe('start: once it has begun'),
    requestedAt: z.string(),
    deadline: z.string().describe('It has begun (ended) by then, or fails'),
    endedAt: z.string().nullable(),
  })
  .meta({
    id: 'ChargingRequest',
    examples: [
      {
        requestId: 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12',
        kind: 'start',
        state: 'accepted',
        code: null,
        detail: null,
        chargePointId: 'CP-1',
        stationId: 'st-1',
        evseId: 1,
        connectorId: 1,
        sessionId: null,
        requestedAt: '2026-11-25T12:00:00.000Z',
        deadline: '2026-11-25T12:03:00.000Z',
        endedAt: null,
      },
    ],
  });
export type RequestOut = z.infer<typeof requestOut>;

export const viewOfRequest = ({
  requested,
  state,
  failure,
  sessionId,
  endedAt,
}: ChargingRequest): RequestOut => ({
  requestId: requested.requestId,
  kind: requested.kind,
  state,
  code: failure?.code ?? null,
  detail: failure?.detail ?? null,
  chargePointId: requested.chargePointId,
  stationId: requested.stationId,
  evseId: requested.evseId,
  connectorId: requested.connectorId,
  sessionId,
  requestedAt: requested.at,
  deadline: requested.deadline,
  endedAt,
});

export const sessionOut = z
  .object({
    sessionId: z.uuid(),
    status: z.enum(['active', 'completed', 'abandoned', 'orphan']),
    held: z.boolean().describe('Somebody has to look at it before it is billed'),
    chargePointId: z.string(),
    evseId: z.int().nullable(),
    connectorId: z.int().nullable(),
    stationId: z.string(),
    stationName: z.string().nullable(),
    startedAt: z.string(),
    stoppedAt: z.string().nullable(),
    lastSeenAt: z.string(),
    energyWh: z.number().nullable(),
    powerW: z.number().nullable().describe('The newest reading, while it goes on'),
    maxPowerW: z.number().nullable(),
    socPercent: z.number().nullable(),
    estimated: z.boolean().describe('Energy is integrated power: no register said it'),
    stopReason: z.string(),
    tariff: z.string().describe('<id>@<version>'),
    cost: z
      .object({
        currency: z.string(),
        exclVat: z.string(),
        inclVat: z.string().nullable(),
        final: z.boolean().describe('false: so far, or before somebody has looked at it'),
      })
      .nullable()
      .describe('Decimals as text; null: not known (costUnknown says why)'),
    costUnknown: z.string().nullable(),
    receipt: z.string().nullable().describe('Where its receipt is'),
  })
  .meta({ id: 'CustomerSession' });
export type SessionOut = z.infer<typeof sessionOut>;

/** @param newer what the log has told of it since the row, or instead of one */
export function viewOfSession(
  row: SessionRow | undefined,
  newer: KnownSession | undefined,
  reckoned: { readonly pricing: Pricing; readonly powerW: number | null } | undefined,
  stationName: string | null,
): SessionOut {
  const told = newer?.session;
  const one = told ?? row;
  if (one === undefined) throw new Error('a session of nothing');
  const isOver = one.status !== 'active';
  const isFinal =
    isOver && !one.held && row !== undefined && row.status !== 'active' && one.status !== 'orphan';
  const { cost, costUnknown } = costOf(reckoned?.pricing, isFinal);
  return {
    sessionId: one.sessionId,
    status: one.status as SessionOut['status'],
    held: one.held,
    chargePointId: one.chargePointId,
    evseId: one.evseId,
    connectorId: one.connectorId,
    stationId: one.stationId,
    stationName,
    startedAt: one.startedAt,
    stoppedAt: one.stoppedAt,
    lastSeenAt: one.lastSeenAt,
    energyWh: one.energyWh,
    powerW: isOver ? null : (told?.powerW ?? reckoned?.powerW ?? null),
    maxPowerW: one.maxPowerW,
    socPercent: told?.socPercent ?? row?.socEnd ?? null,
    estimated: one.estimated,
    stopReason: one.stopReason,
    tariff: one.tariff,
    cost,
    costUnknown,
    receipt: isFinal && cost !== null ? `/api/user/charging/sessions/${one.sessionId}/receipt` : null,
  };
}

/** @param isFinal nothing will change it any more */
export function costOf(
  pricing: Pricing | undefined,
  isFinal: boolean,
): Pick<SessionOut, 'cost' | 'costUnknown'> {
  if (pricing?.kind === 'priced') {
    const { currency, exclVat, inclVat } = pricing.cost;
    return { cost: { currency, exclVat, inclVat, final: isFinal }, costUnknown: null };
  }
  const why = pricing === undefined ? 'not computed yet' : `${pricing.reason}: ${pricing.detail}`;
  return { cost: null, costUnknown: why };
}

/** Over, and nobody has to look at it: what the row says is what is billed. */
export const isFinalRow = ({ status, held }: SessionRow): boolean =>
  !held && status !== 'active' && status !== 'orphan';
