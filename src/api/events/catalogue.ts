/** Every message there is: its name, its shape, an example, where it is said and by whom. The document is made of this. */
import type { z } from 'zod';
import { chargingEvent } from '../../domain/messages/charging-events.js';
import { cmsEvent, ENTITY_KINDS } from '../../domain/messages/cms-events.js';
import {
  chargerHeld,
  chargingCommand,
  heldCharger,
  keptCommand,
  locateQuestion,
} from '../../domain/messages/commands.js';
import { loginEvent } from '../../domain/messages/login-events.js';
import { notification } from '../../domain/messages/notifications.js';
import { refused, subscribed, TO_CLIENT, TO_SERVER } from '../live/protocol.js';
import { CMS_CHANGES, COMMAND_EXAMPLES, EXAMPLES, LIVE_EXAMPLES, NOTIFICATION } from './examples.js';

export interface Message {
  readonly name: string;
  readonly summary: string;
  readonly shape: z.ZodType;
  readonly example: unknown;
  /** What `type` is in it, where its shape has several. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ChannelOf {
  readonly name: string;
  readonly title: string;
  readonly address: string;
  readonly description: string;
  readonly server: 'broker' | 'api' | 'receiver';
  /** As AsyncAPI has it, from our side: `send` is what wattstream says. */
  readonly action: 'send' | 'receive';
  readonly messages: readonly Message[];
}

const SAYS: Record<string, string> = {
  'session.started': 'A charging session began',
  'session.updated': 'Energy, power or status of a session changed; at most once per second and session',
  'session.stopped': 'A session ended',
  'session.vanished': 'A session turned out to be none: whoever shows it takes it away',
  'connector.status': 'The status of a connector changed',
  'charger.online': 'A charger connected',
  'charger.offline': 'A charger is no longer connected',
  'anomaly.found': 'Something looked wrong',
  'command.requested': 'Somebody asked for a command',
  'command.kept': 'It waits for its charger to come back',
  'command.released': 'The charger is back: it is sent now, once',
  'command.sent': 'It is about to be written to the charger',
  'command.accepted': 'The charger did what was asked',
  'command.rejected': 'The charger refused',
  'command.failed': 'The charger answered with an error, or it could not be sent',
  'command.timed-out': 'Nobody knows within its time',
  'command.offline': 'The charger is not connected: it was certainly not sent',
  'charging.requested': 'A customer wants to begin or end a session',
  'charging.failed': "A customer's start or stop came to nothing; `code` says why",
  'charging.receipt': 'A receipt was made out',
  'charging.started': "A customer's start succeeded",
  'charging.stopped': "A customer's stop succeeded",
  'ops.dead-letter.redriven': 'A dead letter goes back to its queue',
  'ops.dead-letter.dropped': 'A dead letter is thrown away',
  'ops.login.succeeded': 'Somebody logged in',
  'ops.login.failed': 'Somebody could not: unknown address, wrong password, or closed account',
  'ops.login.locked': 'After too many failures nobody is let try for a while; said once per lock',
  'ops.login.refreshed': 'A login was continued with its refresh token',
  'ops.login.reused': 'A refresh token came a second time: somebody has a copy, and the login was ended',
  'ops.login.ended': 'A login was ended by its owner: logout, or another password',
  'login.begun': 'A login begins',
  'login.turned': 'It goes on with the next refresh token, when nobody else was first with this turn',
  'login.ended': 'It is over, whatever its turn is',
  'ops.key.used': "A program's key was used for the first time on this day (UTC)",
};

/** `type` of a shape: a literal, or one of several. */
const typesOf = (shape: { shape: { type: z.ZodType } }): string[] => {
  const { type } = shape.shape as unknown as { type: { options?: string[]; values?: Set<string> } };
  return type.options ?? [...(type.values ?? [])];
};

const charging: Message[] = chargingEvent.options.flatMap((shape) =>
  typesOf(shape).map((type) => ({
    name: type,
    summary: SAYS[type] ?? '',
    shape,
    type,
    example: EXAMPLES[type],
  })),
);
const cms: Message[] = ENTITY_KINDS.flatMap((kind) =>
  CMS_CHANGES.map((change) => {
    const type = `cms.${kind}.${change}`;
    return {
      name: type,
      summary: `The ${kind} was ${change}`,
      shape: cmsEvent,
      type,
      example: EXAMPLES[type],
    };
  }),
);
const logins: Message[] = loginEvent.options.map((shape) => {
  const [type = ''] = typesOf(shape);
  return { name: type, summary: SAYS[type] ?? '', shape, type, example: EXAMPLES[type] };
});
const notice: Message = {
  name: 'notification',
  summary: 'An event, with those whom it concerns',
  shape: notification,
  example: NOTIFICATION,
};
const command = (name: keyof typeof COMMAND_EXAMPLES, shape: z.ZodType, summary: string): Message => ({
  name,
  summary,
  shape,
  example: COMMAND_EXAMPLES[name],
});
const ofLive = (events: Readonly<Record<string, { payload: z.ZodType; says: string }>>): Message[] =>
  Object.entries(events).map(([name, { payload, says }]) => ({
    name: `socket.${name}`,
    summary: says,
    shape: payload,
    example: (LIVE_EXAMPLES as Record<string, unknown>)[name],
  }));

export const WEBHOOK_HEADERS = {
  'webhook-id': "The notification's id: the same at every attempt",
  'webhook-timestamp': 'Seconds since 1970 at which this attempt was signed',
  'webhook-signature': 'v1,<base64 HMAC-SHA256 of id.timestamp.body>; two of them while a secret is rotated',
} as const;

export const CATALOGUE: readonly ChannelOf[] = [
  {
    name: 'chargingEvents',
    title: 'Charging events',
    address: 'charging.events',
    description:
      'Topic exchange; the routing key is the type. All of it is kept in the stream `charging.events.log`. At least once: drop an id that you have had.',
    server: 'broker',
    action: 'send',
    messages: charging,
  },
  {
    name: 'cmsEvents',
    title: 'Changes of the registry',
    address: 'cms.events',
    description:
      'Topic exchange; the routing key is the type. Kept for ever in the stream `cms.events.log`. Each is a proposal that applies when its version is the next one and the rules hold at its place.',
    server: 'broker',
    action: 'send',
    messages: cms,
  },
  {
    name: 'logins',
    title: 'Lives of logins',
    address: 'cms.logins',
    description:
      'Topic exchange; the routing key is the type. Kept in the stream `cms.logins.log` for two days longer than a login lives, for the api processes. What people did is told by `ops.login.*`.',
    server: 'broker',
    action: 'send',
    messages: logins,
  },
  {
    name: 'notifications',
    title: 'Notifications',
    address: 'notifications',
    description:
      'Topic exchange; routing keys `operator.<type>`, `station.<id>.<type>`, `user.<account id>.<type>`: one message, once per queue however many of its bindings match.',
    server: 'broker',
    action: 'send',
    messages: [notice],
  },
  {
    name: 'commands',
    title: 'Commands on their way to a gateway',
    address: 'charging.commands',
    description:
      'Direct exchange; the routing key is the charge point id, published mandatory: what comes back has no gateway. At most once.',
    server: 'broker',
    action: 'send',
    messages: [
      command('command', chargingCommand, 'To be sent to this charger over this connection'),
      command('locate', locateQuestion, 'Who holds this charger? Answered over direct reply-to'),
      command('located', heldCharger, 'The answer'),
      command('held', chargerHeld, 'This gateway holds the charger now'),
    ],
  },
  {
    name: 'keptCommands',
    title: 'Commands that wait for their charger',
    address: 'commands.kept',
    description: 'Durable queue with one active consumer.',
    server: 'broker',
    action: 'send',
    messages: [command('kept', keptCommand, 'To be sent when the charger is back')],
  },
  {
    name: 'liveRequests',
    title: 'Live connections: what a client says',
    address: '/socket.io/',
    description:
      'Socket.io over WebSocket; `auth: { token }`. Each event takes an acknowledgement: `socket.subscribed`, `socket.refused`, or `{ ok: true }`.',
    server: 'api',
    action: 'receive',
    messages: ofLive(TO_SERVER),
  },
  {
    name: 'liveAnswers',
    title: 'Live connections: what a client hears',
    address: '/socket.io/',
    description: 'Acknowledgements, and events by the names behind `socket.`.',
    server: 'api',
    action: 'send',
    messages: [
      {
        name: 'socket.subscribed',
        summary: 'You are in the room',
        shape: subscribed,
        example: LIVE_EXAMPLES.subscribed,
      },
      { name: 'socket.refused', summary: 'You are not', shape: refused, example: LIVE_EXAMPLES.refused },
      ...ofLive(TO_CLIENT),
    ],
  },
  {
    name: 'webhooks',
    title: 'Webhooks',
    address: 'the URL of the subscription',
    description:
      'POST with a JSON body, signed as Standard Webhooks has it. Any 2xx within 10 s is taken as received, 410 ends the subscription, everything else is tried again for a day. At least once, in order per charger.',
    server: 'receiver',
    action: 'send',
    messages: [
      {
        name: 'webhook',
        summary: 'A notification, for an outside program',
        shape: notification,
        example: NOTIFICATION,
        headers: WEBHOOK_HEADERS,
      },
    ],
  },
];
