/** What is said over Socket.io, as shapes: what a client may send, what it gets. README.md tells them as a story. */
import { z } from 'zod';
import { sessionView } from '../../domain/messages/charging-events.js';
import { chargePointId, instant } from '../../domain/messages/message.js';
import { costSoFar, news } from './news.js';
import { roomName } from './rooms.js';

const epoch = z.string().max(64).describe('Names one unbroken run of numbers; with another one, start anew');
const seq = z.int().nonnegative();
const version = z
  .number()
  .describe('Where in the log this stands: a change about the same thing with a smaller version is older');

export const subscribe = z.object({ room: roomName });
export const resume = z.object({
  room: roomName,
  epoch,
  seq: seq.describe('Of the last change that was dealt with'),
});
export const unsubscribe = z.object({ room: roomName });

export const snapshot = z
  .object({
    chargers: z.array(
      z.object({
        chargePointId,
        stationId: z.string().nullable(),
        online: z.boolean(),
        protocol: z.string(),
        gateway: z.string(),
        address: z.string(),
        since: instant.describe('Online or offline since then'),
        version,
      }),
    ),
    connectors: z.array(
      z.object({
        chargePointId,
        evseId: z.int(),
        connectorId: z.int(),
        status: z.string(),
        errorCode: z.string(),
        vendorCode: z.string(),
        since: instant,
        version,
      }),
    ),
    sessions: z
      .array(sessionView.extend({ version, cost: costSoFar.nullable() }).meta({ id: 'SessionInSnapshot' }))
      .describe('Those going on'),
    commands: z
      .array(
        z.object({
          commandId: z.string(),
          chargePointId,
          action: z.string(),
          operation: z.string().nullable(),
          actor: z.string(),
          state: z.string().describe('requested, kept, released or sent'),
          at: instant,
          deadline: instant.nullable(),
        }),
      )
      .describe('Without an outcome yet, as far as is known'),
    truncated: z.boolean().describe('There is more than a snapshot may hold: take smaller rooms'),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof snapshot>;

export const subscribed = z
  .object({
    ok: z.literal(true),
    room: roomName,
    epoch,
    seq: seq.describe('The next change has this + 1'),
    live: z
      .boolean()
      .describe('false: no notifications arrive here at present; `stale` follows when they do'),
    snapshot: snapshot.optional().describe('Left out when the missed changes follow instead'),
  })
  .meta({ id: 'Subscribed' });
export type Subscribed = z.infer<typeof subscribed>;

export const refused = z
  .object({
    ok: z.literal(false),
    code: z.string().describe('Stable, for programs'),
    detail: z.string(),
    remedy: z.string().optional(),
    canRetry: z.boolean(),
  })
  .meta({ id: 'Refused' });
export type Refused = z.infer<typeof refused>;

export const change = z.object({ room: roomName, epoch, seq, notification: news }).meta({ id: 'Change' });
export const stale = z
  .object({
    room: roomName,
    reason: z.enum(['feed-interrupted', 'notification-missed', 'no-longer-allowed']),
  })
  .meta({ id: 'Stale' });
export type StaleReason = z.infer<typeof stale>['reason'];
export const feed = z.object({ live: z.boolean() }).meta({ id: 'Feed' });
export const bye = z
  .object({
    code: z.enum(['TOO_SLOW', 'TOKEN_EXPIRED', 'TOKEN_INVALID', 'TOO_MANY_REQUESTS', 'CLOSING']),
    detail: z.string(),
  })
  .meta({ id: 'Bye' });
export type Bye = z.infer<typeof bye>;

/** Events that a client sends, each with an acknowledgement, and those it gets. */
export const TO_SERVER = {
  subscribe: { payload: subscribe, says: 'Join a room. Acknowledged with a snapshot, then changes follow.' },
  resume: {
    payload: resume,
    says: 'Come back to a room. Acknowledged without a snapshot when the missed changes can follow, else with one.',
  },
  unsubscribe: { payload: unsubscribe, says: 'Leave a room.' },
} as const;
export const TO_CLIENT = {
  change: { payload: change, says: 'The next change in a room.' },
  stale: {
    payload: stale,
    says: 'You are no longer in this room, since something was or may have been missed: subscribe again.',
  },
  feed: { payload: feed, says: 'Whether notifications arrive at this process at all.' },
  bye: { payload: bye, says: 'Why the connection is closed next.' },
} as const;
