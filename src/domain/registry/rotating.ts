/**
 * The change of a charging point's key over OCPP, as the registry keeps it. Pure.
 *
 *     sent ──accepted──────────────────────────────────────> accepted   (the new key alone)
 *       ├──rejected, CALLERROR─────────────────────────────> refused    (the old key alone)
 *       ├──certainly not written──────────────────────────> not-sent   (the old key alone)
 *       ├──RebootRequired──> reboot-required ──new key seen──> accepted
 *       └──no answer──────> unknown ──new key seen──────────> accepted
 *                              └──old key seen──> unconfirmed ──new key seen──> accepted
 *
 * Both keys are let in from before the command is sent until it is known which one the charger has: OCPP 2.0.1 Part 2,
 * A01.FR.03 (accepted: from then on only the new one) and A01.FR.04 (else the old one goes on); the 1.6 Security
 * Whitepaper has the same use case for AuthorizationKey. `unconfirmed`: it came back with the old key, so it has most
 * likely never got the new one; but one that takes a key only with its next boot, and whose answer was lost, comes back
 * so too. To take the new one away would lock it out for good, and nobody else knows that key: both stay, and
 * another rotation may begin, which puts its own key in that place.
 */
import type { Point } from './point.js';
import type { Rotation, RotationState } from './rotation.js';

/** No other one can begin. */
export const isOpen = (one: Rotation | undefined): boolean =>
  one !== undefined && (one.state === 'sent' || one.state === 'reboot-required' || one.state === 'unknown');

/** Something may still be learnt of it. */
export const isUnsettled = (one: Rotation | undefined): one is Rotation =>
  isOpen(one) || one?.state === 'unconfirmed';

/** The point before the command is sent. `at`: ISO 8601. */
export const withRotationBegun = (
  point: Point,
  { nextPasswordHash, commandId, at }: { nextPasswordHash: string; commandId: string; at: string },
): Point & { readonly rotation: Rotation } => ({
  ...point,
  nextPasswordHash,
  rotation: { state: 'sent', since: at, commandId, changedAt: at },
});

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
      return withOldKey(point, outcome, at, detail);
    case 'reboot-required':
    case 'unknown':
      return inState(point, outcome, at, detail);
  }
}

/**
 * The point when the charger has shown which key it has: on a connection it opened after the one on which the command
 * was written.
 */
export function afterConnection(point: Point, key: 'old' | 'new', at: string): Point | undefined {
  if (!isUnsettled(point.rotation)) return undefined;
  if (key === 'new') return withNewKey(point, at, 'the charger came with the new key');
  return point.rotation.state === 'unknown'
    ? inState(point, 'unconfirmed', at, 'no answer was seen, and the charger came back with its old key')
    : undefined;
}

function withNewKey({ nextPasswordHash, ...point }: Point, at: string, detail: string | undefined): Point {
  const passwordHash = nextPasswordHash ?? point.passwordHash;
  return inState(
    { ...point, ...(passwordHash === undefined ? {} : { passwordHash }) },
    'accepted',
    at,
    detail,
  );
}

const withOldKey = (
  { nextPasswordHash: _, ...point }: Point,
  state: 'refused' | 'not-sent',
  at: string,
  detail: string | undefined,
): Point => inState(point, state, at, detail);

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
  { rotation: known, nextPasswordHash }: Point,
  { securityProfile, givesPassword }: { securityProfile: unknown; givesPassword: boolean },
): Pick<Point, 'rotation' | 'nextPasswordHash'> {
  if (known === undefined || (securityProfile !== 1 && securityProfile !== 2)) return {};
  if (givesPassword && known.state !== 'sent') return {};
  return { rotation: known, ...(nextPasswordHash === undefined ? {} : { nextPasswordHash }) };
}
