/** What a message is about, and where among the messages about the same thing it stands. Pure. */
import type { News } from './news.js';

export interface Standing {
  readonly subject: string;
  readonly version: number;
  /** Version of the message before it about the same subject; null: the first, undefined: it does not say. */
  readonly previous: number | null | undefined;
}

/** undefined: it stands for itself (an anomaly, a step of a command), no other message replaces it. */
export function standingOf({ event }: Pick<News, 'event'>): Standing | undefined {
  if (!('version' in event)) return undefined;
  const { version } = event;
  if ('kind' in event)
    return { subject: `cms/${event.kind}/${event.entityId}`, version, previous: undefined };
  if (event.type === 'session.cost')
    return { subject: `cost/${event.sessionId}`, version, previous: undefined };
  const { previous } = event;
  switch (event.type) {
    case 'connector.status':
      return {
        subject: `connector/${event.chargePointId}/${event.evseId}/${event.connectorId}`,
        version,
        previous,
      };
    case 'charger.online':
    case 'charger.offline':
      return { subject: `charger/${event.chargePointId}`, version, previous };
    case 'session.vanished':
      return { subject: `session/${event.sessionId}`, version, previous };
    default:
      return { subject: `session/${event.session.sessionId}`, version, previous };
  }
}
