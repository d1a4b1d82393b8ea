/** Which notifications a subscription gets: patterns as topic exchanges have them, by the words of the type. Pure. */
import type { Notification } from '../../domain/messages/notifications.js';
import type { Webhook } from '../../domain/registry/webhook.js';

/** `*` is one word, `#` any number of them, none included. */
export function matches(pattern: string, type: string): boolean {
  return follows(pattern.split('.'), type.split('.'));
}

function follows([first, ...others]: string[], words: string[]): boolean {
  if (first === undefined) return words.length === 0;
  if (first === '#') return words.some((_, at) => follows(others, words.slice(at))) || follows(others, []);
  return words.length > 0 && (first === '*' || first === words[0]) && follows(others, words.slice(1));
}

/** What subscriptions and keys look like is nobody's business outside. */
const PRIVATE = ['cms.webhook.#', 'cms.api-key.#'];

export const wants = (
  { patterns, station, enabled }: Pick<Webhook, 'patterns' | 'station' | 'enabled'>,
  { type, audience }: Pick<Notification, 'type' | 'audience'>,
): boolean =>
  enabled &&
  (station === undefined || audience.stationId === station) &&
  patterns.some((pattern) => matches(pattern, type)) &&
  !PRIVATE.some((pattern) => matches(pattern, type));

/** Notifications of one lane are delivered one after the other, in their order. */
export const laneOf = ({ event }: Pick<Notification, 'event'>): string =>
  'chargePointId' in event
    ? `charger/${event.chargePointId}`
    : 'entityId' in event
      ? `cms/${event.kind}/${event.entityId}`
      : 'other';
