/** Rooms: what they are called, who is told what in them, who may be there. Pure. */
import { z } from 'zod';
import type { StationOf } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import type { News } from './news.js';

export const roomName = z
  .string()
  .max(300)
  .regex(
    /^(operator|(station|charger|user):[^\p{Cc}]+)$/u,
    'is no room: operator, station:<id>, charger:<id>, user:<id>',
  )
  .meta({ id: 'Room', description: '`operator`, `station:<id>`, `charger:<id>` or `user:<account id>`' });

export type RoomKind = 'operator' | 'station' | 'charger' | 'user';
export interface Place {
  readonly kind: RoomKind;
  /** '' for `operator`. */
  readonly id: string;
}

export function placeOf(room: string): Place {
  const colon = room.indexOf(':');
  if (colon === -1) return { kind: 'operator', id: '' };
  return { kind: room.slice(0, colon) as RoomKind, id: room.slice(colon + 1) };
}

/** Changes of the registry that belong to a station; all others are for operators of all stations. */
const OF_A_STATION: ReadonlySet<string> = new Set(['station', 'point', 'outage']);

/**
 * The rooms a notification is shown in; the operators' first. A change of the registry is shown to no customer, whatever
 * its audience says (an older api process published it more widely).
 */
export function roomsOf({ audience, event }: Pick<News, 'audience' | 'event'>): string[] {
  const rooms = ['operator'];
  if ('entityId' in event) {
    if (audience.stationId && OF_A_STATION.has(event.kind)) rooms.push(`station:${audience.stationId}`);
    return rooms;
  }
  if (audience.stationId) rooms.push(`station:${audience.stationId}`);
  if ('chargePointId' in event) rooms.push(`charger:${event.chargePointId}`);
  if (audience.accountId) rooms.push(`user:${audience.accountId}`);
  return rooms;
}

/**
 * - admin: everywhere. - operator: everywhere but in the rooms of customers; restricted to stations: those, and the
 * chargers that stand there. - customer: the room of the own account. - analyst: nowhere. Notifications hold what
 * analysts see as hashes only (tokens in commands) or not at all (accounts).
 */
export function mayJoin(principal: Principal, room: string, stationOf: StationOf): boolean {
  const { kind, id } = placeOf(room);
  const { role, stations } = principal;
  if (role === 'customer') return kind === 'user' && id === principal.accountId;
  if (role !== 'admin' && role !== 'operator') return false;
  if (stations === null) return role === 'admin' || kind !== 'user';
  if (kind === 'station') return stations.includes(id);
  const station = kind === 'charger' ? stationOf(id) : undefined;
  return station !== undefined && stations.includes(station);
}
