/** Stations as customers look for them: near a place, free now, how strong, what it costs. */
import type { Queries } from '../../analytics/ports.js';
import { readTariff } from '../../domain/charging/tariff/shape.js';
import { distanceM, type Position } from '../../domain/customers/nearby.js';
import {
  type Occupancy,
  type Outlet,
  type OutletStatus,
  occupancyOf,
  outletsOf,
  statusOf,
} from '../../domain/customers/outlets.js';
import { componentsOf, priceInWords } from '../../domain/customers/price-in-words.js';
import type { Protocol } from '../../domain/ocpp/record.js';
import type { Point } from '../../domain/registry/point.js';
import { lookUp, mapOf, parseRef, refOf } from '../../domain/registry/state.js';
import type { Station } from '../../domain/registry/station.js';
import { parseTariffName } from '../../domain/registry/tariff.js';
import { tariffVersion } from '../../domain/registry/timeline.js';
import type { Replica } from '../../registry/replica.js';
import { registrySource } from '../../registry/source.js';
import { camelCased } from '../camel-case.js';
import type { CommandClock } from '../commands/ports.js';
import type { ChargingBook } from './book.js';

export interface StationDeskOptions {
  readonly queries: Pick<Queries, 'ask'>;
  readonly book: Pick<ChargingBook, 'statusesOf'>;
  readonly replica: Pick<Replica, 'state' | 'get'>;
  /** What a charger spoke when it connected lately, as far as is remembered. */
  readonly protocolOf: (chargePointId: string) => Protocol | undefined;
  readonly clock: CommandClock;
}

export interface StationsAsked {
  readonly near: Position | undefined;
  readonly radiusM: number;
  readonly free: boolean;
  readonly minPowerW: number;
  readonly limit: number;
  /** Of the last station of the page before: `<metres>_<id>`. */
  readonly cursor: string | undefined;
}

/** What is known of a charge point's outlets. */
interface Told {
  readonly statuses: readonly OutletStatus[];
  /** undefined: it has never connected. */
  readonly protocol: Protocol | undefined;
}

interface Candidate {
  readonly station: Station;
  readonly distanceM: number | null;
}

/** Stations whose outlets are asked for at once, and how often for one request. */
const CHUNK = 50;
const CHUNKS = 20;

export class StationDesk {
  private readonly prices: ReturnType<typeof registrySource>;

  constructor(private readonly options: StationDeskOptions) {
    this.prices = registrySource(options.replica);
  }

  /**
   * Nearest first; without a place by id. So many stations are looked at for one request and no more: where few have a free
   * outlet a page may be short, or empty, and not be the last.
   */
  async find(accountId: string, asked: StationsAsked) {
    const candidates = this.candidates(asked);
    const found: ReturnType<StationDesk['shown']>[] = [];
    let at = 0;
    for (let chunks = 0; chunks < CHUNKS && at < candidates.length && found.length <= asked.limit; chunks++) {
      const chunk: (Candidate & { readonly points: Point[] })[] = [];
      for (; at < candidates.length && chunk.length < CHUNK; at++) {
        const one = candidates[at] as Candidate;
        const points = this.pointsOf(one.station.id, accountId);
        // Of a station without such an outlet nothing needs to be asked.
        if (points.some((point) => outletsOf(point).some((outlet) => isStrong(outlet, asked.minPowerW))))
          chunk.push({ ...one, points });
      }
      const told = await this.statusesOf(chunk.flatMap(({ points }) => points.map(({ id }) => id)));
      for (const one of chunk) {
        const shown = this.shown(one, one.points, told, asked.minPowerW);
        if (!asked.free || shown.free > 0) found.push(shown);
      }
    }
    const page = found.slice(0, asked.limit);
    return {
      stations: page,
      nextCursor: found.length > page.length ? cursorAt(page) : cursorBehind(candidates, at),
    };
  }

  private candidates({ near, radiusM, cursor }: StationsAsked): Candidate[] {
    const all: Candidate[] = [];
    for (const { state: station } of mapOf(this.options.replica.state, 'station').values()) {
      if (station === null || !station.publish) continue;
      const distance = near === undefined ? null : Math.round(distanceM(near, positionOf(station)));
      if (distance === null || distance <= radiusM) all.push({ station, distanceM: distance });
    }
    all.sort((a, b) => (a.distanceM ?? 0) - (b.distanceM ?? 0) || (a.station.id < b.station.id ? -1 : 1));
    if (cursor === undefined) return all;
    const separator = cursor.indexOf('_');
    const [metres, id] = [Number(cursor.slice(0, separator)), cursor.slice(separator + 1)];
    return all.filter(
      (one) => (one.distanceM ?? 0) > metres || ((one.distanceM ?? 0) === metres && one.station.id > id),
    );
  }

  /** Those at somebody's home are there for nobody else. */
  private pointsOf(stationId: string, accountId: string): Point[] {
    const { replica } = this.options;
    return [...(replica.state.referrers.get(refOf('station', stationId)) ?? [])]
      .flatMap((ref) => {
        const { kind, id } = parseRef(ref);
        const point = kind === 'point' ? replica.get('point', id)?.state : undefined;
        return point !== undefined && (point.account === undefined || point.account === accountId)
          ? [point]
          : [];
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private async statusesOf(chargePointIds: readonly string[]): Promise<Map<string, Told>> {
    const byPoint = new Map<string, Told>();
    if (chargePointIds.length === 0) return byPoint;
    const { rows } = await this.options.queries.ask('outlets-now', {
      charge_point_ids: JSON.stringify(chargePointIds),
    });
    for (const row of rows) {
      const id = String(row.charge_point_id);
      const statuses = byPoint.get(id)?.statuses ?? [];
      byPoint.set(id, {
        statuses: [...statuses, camelCased<OutletStatus>(row)],
        protocol: row.protocol as Protocol,
      });
    }
    const { book, protocolOf } = this.options;
    for (const id of chargePointIds) {
      const told = byPoint.get(id);
      byPoint.set(id, {
        statuses: [...(told?.statuses ?? []), ...book.statusesOf(id)],
        protocol: protocolOf(id) ?? told?.protocol,
      });
    }
    return byPoint;
  }

  private shown(
    { station, distanceM: distance }: Candidate,
    points: readonly Point[],
    told: ReadonlyMap<string, Told>,
    minPowerW: number,
  ) {
    const outlets = points.flatMap((point) =>
      outletsOf(point)
        .filter((outlet) => isStrong(outlet, minPowerW))
        .map((outlet) => this.outlet(point, outlet, told.get(point.id))),
    );
    const { id, name, address, postal_code, city, country, time_zone, coordinates } = station;
    return {
      stationId: id,
      name: name ?? null,
      address,
      postalCode: postal_code ?? null,
      city,
      country,
      timeZone: time_zone,
      latitude: Number(coordinates.latitude),
      longitude: Number(coordinates.longitude),
      distanceM: distance,
      free: outlets.filter(({ state }) => state === 'free').length,
      maxPowerW: Math.max(0, ...outlets.map(({ powerW }) => powerW)),
      outlets,
    };
  }

  private outlet(point: Point, outlet: Outlet, told: Told | undefined) {
    const { evseId, connectorId, number16, printedId, connector } = outlet;
    const status = told && statusOf(outlet, told.statuses, told.protocol)?.status;
    return {
      chargePointId: point.id,
      evseId,
      connectorId,
      printedId: printedId ?? null,
      state: occupancyOf(status) as Occupancy,
      status: status ?? null,
      standard: connector.standard,
      format: connector.format,
      powerType: connector.power_type,
      powerW: connector.max_electric_power,
      price: this.price(point.id, number16, evseId, connectorId),
    };
  }

  private price(pointId: string, number16: number | undefined, evseId: number, connectorId: number) {
    const now = this.options.clock.now();
    const at = this.prices.pointAt(pointId, now);
    const name =
      at?.tariff({ evseId, connectorId }) ??
      (number16 === undefined ? undefined : at?.tariff({ connectorId: number16 }));
    const parsed = name === undefined ? undefined : parseTariffName(name);
    const entity = parsed && lookUp(this.options.replica.state, 'tariff', parsed.id);
    const tariff = entity && parsed && tariffVersion(entity, parsed.version);
    const read = tariff === undefined ? undefined : readTariff(tariff);
    if (name === undefined || read === undefined || typeof read === 'string') return null;
    return {
      tariff: name,
      currency: read.currency,
      words: priceInWords(read),
      components: componentsOf(read),
    };
  }
}

const positionOf = ({ coordinates }: Station): Position => ({
  latitude: Number(coordinates.latitude),
  longitude: Number(coordinates.longitude),
});

const isStrong = ({ connector }: Outlet, minPowerW: number): boolean =>
  connector.max_electric_power >= minPowerW;

const cursorOf = (metres: number | null, id: string): string => `${metres ?? 0}_${id}`;

function cursorAt(page: readonly { readonly distanceM: number | null; readonly stationId: string }[]) {
  const last = page.at(-1);
  return last === undefined ? null : cursorOf(last.distanceM, last.stationId);
}

/** `at`: the first that was not looked at. */
function cursorBehind(candidates: readonly Candidate[], at: number): string | null {
  const last = at < candidates.length ? candidates[at - 1] : undefined;
  return last === undefined ? null : cursorOf(last.distanceM, last.station.id);
}
