/** Distance on the ground. Pure. */
const EARTH_M = 6_371_008.8;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

export interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

/** Metres along a great circle, by the mean radius: good to half a per cent. */
export function distanceM(from: Position, to: Position): number {
  const [a, b] = [radians(from.latitude), radians(to.latitude)];
  const half = (angle: number): number => Math.sin(angle / 2) ** 2;
  const h = half(b - a) + Math.cos(a) * Math.cos(b) * half(radians(to.longitude) - radians(from.longitude));
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}
