/**
 * The registry as a source for gateways. Everything is looked up as it stood at the time of the event, so that a frame
 * that comes hours late gets the station, account and tariff version of then.
 *
 * These questions stand on the way of every frame: what a tariff or a charging point amounts to is computed once for
 * each version of it (entities are replaced, never changed).
 */
import type { Outlet } from '../domain/charging/events.js';
import type { Point } from '../domain/registry/point.js';
import { type Entity, isLive, lastState, lookUp } from '../domain/registry/state.js';
import { tariffName } from '../domain/registry/tariff.js';
import { type PriceSpan, priceSpans, stateAt, versionAt } from '../domain/registry/timeline.js';
import { isOneTime, standingAt, type Token, tokenIdOf } from '../domain/registry/token.js';
import type { DirectorySource } from './directory.js';
import type { ChargePoint } from './ports.js';
import type { Replica } from './replica.js';

/** No connector is meant more than another, and their tariffs differ: no price is certain. */
const UNCERTAIN = Symbol('uncertain');
type TariffChoice = string | undefined | typeof UNCERTAIN;

export function registrySource(replica: Pick<Replica, 'state' | 'get'>): DirectorySource {
  const spans = new WeakMap<Entity<'tariff'>, PriceSpan[]>();
  const outlets = new WeakMap<Point, Map<string, TariffChoice>>();

  const tariffAt = (id: string | undefined, at: number): string | undefined => {
    const tariff = id === undefined ? undefined : lookUp(replica.state, 'tariff', id);
    if (id === undefined || tariff === undefined) return undefined;
    let known = spans.get(tariff);
    if (known === undefined) {
      known = priceSpans(tariff);
      spans.set(tariff, known);
    }
    const version = versionAt(known, at);
    return version === undefined ? undefined : tariffName(id, version);
  };
  const choice = (point: Point, outlet: Outlet | undefined): TariffChoice => {
    let known = outlets.get(point);
    if (known === undefined) {
      known = outletTariffs(point);
      outlets.set(point, known);
    }
    return outlet === undefined ? undefined : known.get(outletKey(outlet));
  };
  const token = (uid: string, at: number): Token | undefined => {
    const entity = lookUp(replica.state, 'token', tokenIdOf(uid));
    return (entity && stateAt(entity, timeOf(at))) ?? undefined;
  };

  const removed = (uid: string): Entity<'token'> | undefined => {
    const entity = lookUp(replica.state, 'token', tokenIdOf(uid));
    return isLive(entity) ? undefined : entity;
  };
  /** Made for a start that came to nothing: it is refused also where strangers are welcome. */
  const isWithdrawn = (uid: string): boolean => {
    const last = lastState(removed(uid));
    return last !== undefined && isOneTime(last);
  };

  return {
    get listsTokens() {
      return replica.state.keptTokens.size > 0;
    },
    hasRemoved: (uid) => removed(uid) !== undefined,
    find(id): ChargePoint | undefined {
      const state = replica.get('point', id)?.state;
      if (state === undefined) return undefined;
      const { securityProfile, passwordHash, nextPasswordHash, certificateCommonName } = state;
      const { earlierNextPasswordHashes } = state;
      const { station, account, meterKeys } = state;
      return {
        id,
        securityProfile,
        station,
        ...(passwordHash === undefined ? {} : { passwordHash }),
        ...(nextPasswordHash === undefined ? {} : { nextPasswordHash }),
        ...(earlierNextPasswordHashes === undefined ? {} : { earlierNextPasswordHashes }),
        ...(certificateCommonName === undefined ? {} : { certificateCommonName }),
        ...(account === undefined ? {} : { account }),
        ...(meterKeys === undefined ? {} : { meterKeys }),
      };
    },
    pointAt(id, at) {
      const entity = lookUp(replica.state, 'point', id);
      const point = entity && stateAt(entity, timeOf(at));
      if (!point) return undefined;
      const { station, account, meterKeys } = point;
      return {
        station,
        account,
        meterKeys,
        tariff(outlet) {
          const chosen = choice(point, outlet);
          return chosen === UNCERTAIN ? undefined : tariffAt(chosen ?? point.tariff, timeOf(at));
        },
      };
    },
    tokenAt(uid, at) {
      const own = token(uid, at);
      if (own === undefined) return isWithdrawn(uid) ? { status: 'Invalid' } : undefined;
      const account = own.account === undefined ? undefined : lookUp(replica.state, 'account', own.account);
      const isDisabled = account !== undefined && (stateAt(account, timeOf(at))?.disabled ?? true);
      const group = own.group_id === undefined ? undefined : token(own.group_id, at);
      return {
        ...standingAt(own, { isDisabled, group }, timeOf(at)),
        account: own.account,
        tariff: tariffAt(own.tariff, timeOf(at)),
        group: own.group_id,
        language: own.language,
        concurrent: own.concurrent,
      };
    },
  };
}

/** An event without a readable time is judged by what stands now. */
const timeOf = (at: number): number => (Number.isNaN(at) ? Number.POSITIVE_INFINITY : at);

/** Tariff of each way in which OCPP names an outlet: 2.x EVSE and connector, EVSE alone, 1.6 connector. */
function outletTariffs({ evses, tariff: ofPoint }: Point): Map<string, TariffChoice> {
  const tariffs = new Map<string, TariffChoice>();
  const all = evses.flatMap(({ evseId, connectors }) => connectors.map((one) => ({ evseId, ...one })));
  for (const { evseId, connectorId, tariff } of all) {
    tariffs.set(outletKey({ evseId, connectorId }), tariff);
    const whole = outletKey({ evseId });
    const before = tariffs.get(whole);
    const isSame = (before ?? ofPoint) === (tariff ?? ofPoint);
    tariffs.set(whole, tariffs.has(whole) && !isSame ? UNCERTAIN : tariff);
  }
  const isNumbered = all.some(({ ocpp16ConnectorId: number }) => number !== undefined);
  all.forEach(({ ocpp16ConnectorId: number, tariff }, index) => {
    const connectorId = isNumbered ? number : index + 1;
    if (connectorId !== undefined) tariffs.set(outletKey({ connectorId }), tariff);
  });
  return tariffs;
}

const outletKey = ({ evseId, connectorId }: Outlet): string => `${evseId ?? ''}.${connectorId ?? ''}`;
