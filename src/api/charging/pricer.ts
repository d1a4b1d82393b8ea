/**
 * What sessions cost so far, out of their rows, their samples and their tariffs. The version of a tariff that was in force
 * when a session began prices it, deleted since or not.
 */
import type { Queries } from '../../analytics/ports.js';
import { type Pricing, unpriced } from '../../domain/charging/tariff/cost.js';
import { priceSession } from '../../domain/charging/tariff/price-session.js';
import { courseOf, type MeteredSample } from '../../domain/customers/course-of.js';
import { lookUp } from '../../domain/registry/state.js';
import { parseTariffName } from '../../domain/registry/tariff.js';
import { tariffVersion } from '../../domain/registry/timeline.js';
import type { Replica } from '../../registry/replica.js';
import { camelCased } from '../camel-case.js';
import type { SessionRow } from './session-row.js';

/** What the samples of a session amount to. */
export interface Reckoned {
  readonly pricing: Pricing;
  /** The newest reading. */
  readonly powerW: number | null;
}

/** A session as the tables have it, with what it amounts to. */
export interface PricedRow extends Reckoned {
  readonly row: SessionRow;
}

export interface SessionPricerOptions {
  readonly queries: Pick<Queries, 'ask'>;
  readonly replica: Pick<Replica, 'state' | 'get'>;
}

/** By wrong clocks, samples may lie outside the session they belong to; none of more than this is looked for. */
const SLACK_MS = 86_400_000;
/** Sessions asked for at once: their ids are one parameter of a question. */
const AT_ONCE = 500;
/** Samples read at once: a second's work. */
const SAMPLES_AT_ONCE = 50_000;
/** A session with more is not priced by some of them: a reading every second for five days. */
const SAMPLES_OF_ONE = 500_000;

const milli = (amount: number | null): number | null => (amount === null ? null : Math.round(amount * 1_000));

export class SessionPricer {
  constructor(private readonly options: SessionPricerOptions) {}

  /** Those of them that the tables know, 500 at most. Rejects with QUERY_FAILED. */
  async price(
    wanted: readonly { readonly sessionId: string; readonly chargePointId: string }[],
  ): Promise<PricedRow[]> {
    const some = wanted.slice(0, AT_ONCE);
    if (some.length === 0) return [];
    const { rows: found } = await this.options.queries.ask('sessions-by-id', {
      session_ids: JSON.stringify(some.map(({ sessionId }) => sessionId)),
      charge_point_ids: JSON.stringify([...new Set(some.map(({ chargePointId }) => chargePointId))]),
    });
    const rows = found.map((row) => camelCased<SessionRow>(row));
    const reckoned = await this.reckon(rows);
    return rows.map((row) => ({ row, ...(reckoned.get(row.sessionId) as Reckoned) }));
  }

  /** By session id. Rejects with QUERY_FAILED. */
  async reckon(rows: readonly SessionRow[]): Promise<Map<string, Reckoned>> {
    const [only] = rows;
    if (only === undefined) return new Map();
    const samples = await this.samplesOf(rows, rows.length === 1 ? SAMPLES_OF_ONE : SAMPLES_AT_ONCE);
    if (samples !== undefined)
      return new Map(
        rows.map((row) => [row.sessionId, this.reckonOne(row, samples.get(row.sessionId) ?? [])]),
      );
    if (rows.length === 1)
      return new Map([
        [
          only.sessionId,
          {
            pricing: unpriced('too-many-samples', `it has more than ${SAMPLES_OF_ONE} readings`),
            powerW: null,
          },
        ],
      ]);
    // Together they have more samples than are read at once, and by some of them none is priced.
    const half = Math.ceil(rows.length / 2);
    const [first, second] = [await this.reckon(rows.slice(0, half)), await this.reckon(rows.slice(half))];
    return new Map([...first, ...second]);
  }

  private reckonOne(row: SessionRow, samples: readonly MeteredSample[]): Reckoned {
    const course = courseOf(
      {
        startedAt: Date.parse(row.startedAt),
        stoppedAt: row.stoppedAt === null ? null : Date.parse(row.stoppedAt),
        lastSeenAt: Date.parse(row.lastSeenAt),
        energyMilli: milli(row.energyWh),
        meterStartMilli: milli(row.meterStartWh),
        meterStopMilli: milli(row.meterStopWh),
      },
      samples,
    );
    const timeZone = this.options.replica.get('station', row.stationId)?.state.time_zone ?? null;
    const pricing = priceSession({ tariff: this.tariffOf(row.tariff), course, timeZone });
    const newest = course.power?.at(-1);
    return { pricing, powerW: newest === undefined ? null : newest.milli / 1_000 };
  }

  private tariffOf(name: string): unknown {
    const parsed = parseTariffName(name);
    const entity = parsed && lookUp(this.options.replica.state, 'tariff', parsed.id);
    return (entity && parsed && tariffVersion(entity, parsed.version)) ?? null;
  }

  /** By session; undefined: there are as many as the limit, or more. */
  private async samplesOf(
    rows: readonly SessionRow[],
    limit: number,
  ): Promise<Map<string, MeteredSample[]> | undefined> {
    const starts = rows.map(({ startedAt }) => Date.parse(startedAt));
    const ends = rows.map(({ stoppedAt, lastSeenAt }) => Date.parse(stoppedAt ?? lastSeenAt));
    const { rows: found } = await this.options.queries.ask('session-samples', {
      session_ids: JSON.stringify(rows.map(({ sessionId }) => sessionId)),
      charge_point_ids: JSON.stringify([...new Set(rows.map(({ chargePointId }) => chargePointId))]),
      from: new Date(Math.min(...starts) - SLACK_MS).toISOString(),
      to: new Date(Math.max(...starts, ...ends) + SLACK_MS).toISOString(),
      limit,
    });
    if (found.length >= limit) return undefined;
    const bySession = new Map<string, MeteredSample[]>();
    for (const row of found) {
      const id = String(row.session_id);
      const sample: MeteredSample = {
        at: Date.parse(String(row.ts)),
        measurand: String(row.measurand),
        phase: String(row.phase),
        location: String(row.location),
        context: String(row.context),
        milli: Math.round(Number(row.value) * 1_000),
      };
      const known = bySession.get(id);
      if (known === undefined) bySession.set(id, [sample]);
      else known.push(sample);
    }
    return bySession;
  }
}
