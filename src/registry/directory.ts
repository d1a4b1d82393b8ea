/**
 * What gateways ask, answered out of one or several sources, each asked in turn: the first that knows a charging point
 * answers for it, the first that knows a token for that. No source waits for anything.
 */
import type { Outlet } from '../domain/charging/events.js';
import type { AuthStatus } from '../domain/ocpp/auth-status.js';
import type { Judgement } from '../domain/ocpp/judgement.js';
import type { ChargePoint, ChargePointDirectory, Enrichment } from './ports.js';

/** Times are epoch milliseconds of the event in question. Tariffs are `<id>@<version>`. */
export interface DirectorySource {
  find(id: string): ChargePoint | undefined;
  pointAt(id: string, at: number): PointFacts | undefined;
  tokenAt(token: string, at: number): TokenFacts | undefined;
  /** It lists tokens that somebody keeps, so one that it does not know is a stranger's. Asked on the way of a frame. */
  readonly listsTokens: boolean;
  /** It listed this one once, and does so no more. */
  hasRemoved?(token: string): boolean;
}

export interface PointFacts {
  readonly station?: string | undefined;
  readonly account?: string | undefined;
  readonly meterKeys?: readonly string[] | undefined;
  /** The outlet's, else the charging point's. */
  tariff(outlet: Outlet | undefined): string | undefined;
}

export interface TokenFacts {
  readonly status: AuthStatus;
  readonly account?: string | undefined;
  /** Overrides the outlet's. */
  readonly tariff?: string | undefined;
  /** Epoch milliseconds: its own end or its group's, whichever comes first. */
  readonly expiresAt?: number | undefined;
  readonly group?: string | undefined;
  readonly language?: string | undefined;
  /** It may be in several transactions at once. */
  readonly concurrent?: boolean | undefined;
}

export interface DirectoryOptions {
  /** WATTSTREAM_ACCEPT_UNKNOWN: tokens nobody listed are Accepted. */
  readonly acceptUnknown: boolean;
  /** WATTSTREAM_ALLOW_CONCURRENT: every token may be in several transactions at once. */
  readonly allowConcurrent?: boolean;
}

export function directoryOf(
  sources: readonly DirectorySource[],
  { acceptUnknown, allowConcurrent = false }: DirectoryOptions,
): ChargePointDirectory {
  const first = <T>(ask: (source: DirectorySource) => T | undefined): T | undefined => {
    for (const source of sources) {
      const answer = ask(source);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  /** A card that was taken off a list is not welcome because it was the last one there. */
  const stranger = (token: string): Judgement => ({
    status:
      acceptUnknown || !sources.some((source) => source.listsTokens || source.hasRemoved?.(token))
        ? 'Accepted'
        : 'Invalid',
  });
  return {
    find: (id) => first((source) => source.find(id)),
    authorize(token, at) {
      const known = first((source) => source.tokenAt(token, at));
      if (known === undefined) return stranger(token);
      const { status, expiresAt, group, language, concurrent = false } = known;
      return { status, expiresAt, group, language, single: !concurrent && !allowConcurrent };
    },
    enrich(chargePointId, outlet, idToken, at, signed = false): Enrichment {
      const point = first((source) => source.pointAt(chargePointId, at));
      const token = idToken && first((source) => source.tokenAt(idToken.token, at));
      return present({
        station: point?.station,
        account: point?.account ?? token?.account,
        tariff: token?.tariff ?? point?.tariff(outlet),
        meterKeys: signed ? point?.meterKeys?.join(' ') : undefined,
      });
    },
  };
}

function present(enrichment: { [K in keyof Enrichment]: string | undefined }): Enrichment {
  const result: Enrichment = {};
  if (enrichment.station !== undefined) result.station = enrichment.station;
  if (enrichment.account !== undefined) result.account = enrichment.account;
  if (enrichment.tariff !== undefined) result.tariff = enrichment.tariff;
  if (enrichment.meterKeys !== undefined) result.meterKeys = enrichment.meterKeys;
  return result;
}
