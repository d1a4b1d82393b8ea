/**
 * A notification as it may leave the house. The registry's events hold whole entities, and some of those have secrets
 * (webhooks, keys of programs, charge points' password hashes): none of them is anybody's business at the other end.
 */
import type { News } from './news.js';

const SECRET = /secret|password|hash|privatekey/i;

export function presentable<N extends News>(notification: N): N {
  const { event } = notification;
  if (!('kind' in event && 'entityId' in event) || event.state === null) return notification;
  const state = without(event.state) as typeof event.state;
  return { ...notification, event: { ...event, state } };
}

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !SECRET.test(key))
      .map(([key, inner]) => [key, without(inner)]),
  );
}
