/**
 * The change of a charging point's key over OCPP, as the registry keeps it. Pure.
 *
 *     sent ──accepted──────────────────────────────────────> accepted   (the new key alone)
 *       ├──rejected, CALLERROR─────────────────────────────> refused    (the old key alone)
 *       ├──certainly not written──────────────────────────> not-sent   (the old key alone)
 *       ├──RebootRequired──> reboot-required ──new key seen──> accepted
 *       └──no answer──────> unknown ──new key seen──────────> accepted
 *       (either of both) ──old key seen──> unconfirmed ──new key seen──> accepted
 *
 * Both keys are let in from before the command is sent until it is known which one the charger has: OCPP 2.0.1 Part 2,
 * A01.FR.03 (accepted: from then on only the new one) and A01.FR.04 (else the old one goes on); the 1.6 Security
 * Whitepaper has the same use case for AuthorizationKey. `unconfirmed`: it came back with the old key, so it has most
 * likely never got the new one; but one that takes a key only with its next boot, and whose answer was lost, comes back
 * so too. To take the new one away would lock it out for good, and nobody else knows that key: both stay, and
 * another rotation may begin, also when a charger that stays connected has not shown anything for long. Its key stands
 * beside the earlier ones: where it is refused or not sent, the newest of those is in doubt again (`unconfirmed`).
 *
 * Candidates stand in the order in which they were sent. A charger that comes with one of them has not the ones before any
 * more; that it accepts the newest says that it has that one.
 */
import type { Point } from './point.js';
import type { Rotation, RotationState } from './rotation.js';

/** Keys that one charger may come with, the old one aside. Each costs a hash for every wrong password. */
export const CANDIDATES = 5;

/** Another one may be on its way to the charger: what this one came to is waited for, but not for ever. */
export function isOpen(
  one: Rotation | undefined,
  { now, againAfterMs }: { readonly now: number; readonly againAfterMs: number },
): boolean {
  if (one?.state === 'sent') return true;
  return one !== undefined && isAwaited(one) && now < Date.parse(one.changedAt) + againAfterMs;
}

/** The charger has to come again, or to boot, to show which key it has. */
const isAwaited = ({ state }: Rotation): boolean => state === 'reboot-required' || state === 'unknown';

/** Something may still be learnt of it. */
export const isUnsettled = (one: Rotation | undefined): one is Rotation =>
  one !== undefined && (isAwaited(one) || one.state === 'sent' || one.state === 'unconfirmed');

/** Hashes of all keys that it may come with, in the order in which they were sent; the last one is the newest. */
export const keysOf = (point: Keys): readonly string[] =>
  [point.passwordHash, ...(point.earlierNextPasswordHashes ?? []), point.nextPasswordHash].filter(
    (hash) => hash !== undefined,
  );

interface Keys {
  readonly passwordHash?: string | undefined;
  readonly nextPasswordHash?: string | undefined;
  readonly earlierNextPasswordHashes?: readonly string[] | undefined;
}

/** The point before the command is sent. `at`: ISO 8601. */
export const withRotationBegun = (
  point: Point,
  { nextPasswordHash, commandId, at }: { nextPasswordHash: string; commandId: string; at: string },
): Point & { readonly rotation: Rotation } => ({
  ...withCandidates(point, [...candidatesOf(point), nextPasswordHash]),
  rotation: { state: 'sent', since: at, commandId, changedAt: at },
});

/** Whether all of them can be kept with one more. */
export const hasRoom = (point: Point): boolean => candidatesOf(point).length < CANDIDATES;

/** What became of the command. */
export interface RotationAnswer {
  readonly outcome: 'accepted' | 'reboot-required' | 'refused' | 'not-sent' | 'unknown';
  readonly detail?: string | undefined;
}

/** The point when that is known; undefined: it changes nothing. */
export function afterAnswer(
  point: Point,
  { outcome, detail }: RotationAnswer,
  at: string,
): Point | undefined {
  if (point.rotation?.state !== 'sent') return undefined;
  switch (outcome) {
    case 'accepted':
      return withNewKey(point, at, detail);
    case 'refused':
    case 'not-sent':
      return withoutNewest(point, outcome, at, detail);
    case 'reboot-required':
    case 'unknown':
      return inState(point, outcome, at, detail);
  }
}

/**
 * The point when the charger has shown which key it has; undefined: it changes nothing.
 *
 * @param shown `hash` of the key that it came with; `isLater`: on a connection that it opened after the one on which the
 * command was written.
 */
export function afterConnection(
  point: Point,
  { hash, isLater }: { readonly hash: string; readonly isLater: boolean },
  at: string,
): Point | undefined {
  if (!isUnsettled(point.rotation)) return undefined;
  if (hash === point.nextPasswordHash) return withNewKey(point, at, 'the charger came with the new key');
  const candidates = candidatesOf(point);
  const place = candidates.indexOf(hash);
  const known =
    place === -1 ? point : { ...withCandidates(point, candidates.slice(place + 1)), passwordHash: hash };
  if (isLater && isAwaited(point.rotation))
    return inState(known, 'unconfirmed', at, 'the charger came back with the key from before');
  return place === -1 ? undefined : known;
}

function withNewKey(point: Point, at: string, detail: string | undefined): Point {
  const passwordHash = point.nextPasswordHash ?? point.passwordHash;
  return inState(
    { ...withCandidates(point, []), ...(passwordHash === undefined ? {} : { passwordHash }) },
    'accepted',
    at,
    detail,
  );
}

/** The charger has not got the newest one, which says nothing of those before. */
function withoutNewest(
  point: Point,
  state: 'refused' | 'not-sent',
  at: string,
  detail: string | undefined,
): Point {
  const left = candidatesOf(point).slice(0, -1);
  const kept = withCandidates(point, left);
  return left.length === 0
    ? inState(kept, state, at, detail)
    : inState(kept, 'unconfirmed', at, `the newest key: ${state}, ${detail}; one from before is in doubt`);
}

const candidatesOf = ({ earlierNextPasswordHashes = [], nextPasswordHash }: Point): readonly string[] =>
  nextPasswordHash === undefined ? [] : [...earlierNextPasswordHashes, nextPasswordHash];

function withCandidates(
  { nextPasswordHash: _, earlierNextPasswordHashes: __, ...point }: Point,
  candidates: readonly string[],
): Point {
  const newest = candidates.at(-1);
  if (newest === undefined) return point;
  const earlier = candidates.slice(0, -1);
  return {
    ...point,
    nextPasswordHash: newest,
    ...(earlier.length === 0 ? {} : { earlierNextPasswordHashes: earlier }),
  };
}

function inState(point: Point, state: RotationState, at: string, detail: string | undefined): Point {
  const { since, commandId } = point.rotation as Rotation;
  return {
    ...point,
    rotation: {
      state,
      since,
      commandId,
      changedAt: at,
      ...(detail === undefined || detail === '' ? {} : { detail: detail.slice(0, 500) }),
    },
  };
}

/**
 * What of it stays when somebody changes the point otherwise. Whoever gives a password says which one the charger has:
 * that ends what was in doubt, but not a command that is under way. Profiles without a key have no rotation.
 */
export function keptThroughChange(
  { rotation: known, nextPasswordHash, earlierNextPasswordHashes }: Point,
  { securityProfile, givesPassword }: { securityProfile: unknown; givesPassword: boolean },
): Pick<Point, 'rotation' | 'nextPasswordHash' | 'earlierNextPasswordHashes'> {
  if (known === undefined || (securityProfile !== 1 && securityProfile !== 2)) return {};
  if (givesPassword && known.state !== 'sent') return {};
  return {
    rotation: known,
    ...(nextPasswordHash === undefined ? {} : { nextPasswordHash }),
    ...(earlierNextPasswordHashes === undefined || givesPassword ? {} : { earlierNextPasswordHashes }),
  };
}
