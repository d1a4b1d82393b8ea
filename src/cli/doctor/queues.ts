/** Are the exchanges, queues and event streams there, do they feed each other, and does work go on in them? Declares nothing. */
import type { ChannelModel } from 'amqplib';
import { type MessageNames, messageNames, RETRY_DELAYS } from '../../domain/messages/names.js';
import { closeAmqp, openAmqp, REPLY, replyCodeOf, withChannel } from '../../platform/amqp.js';
import { type Settings, streamAddress } from '../../platform/config.js';
import { messageOf } from '../../platform/errors.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';

const LIMIT_MS = 5_000;
/** Messages that wait with nobody to work on them: fewer may be those of a restart. */
const MANY = 1_000;
const DECLARE = 'Start ingest, analytics or the api: each declares them. Is WATTSTREAM_PREFIX right?';

interface Depth {
  readonly messages: number;
  readonly consumers: number;
}

export async function checkQueues(settings: Settings, managementUrl: string | undefined): Promise<Finding[]> {
  const names = messageNames(settings.WATTSTREAM_PREFIX);
  let connection: ChannelModel;
  try {
    connection = await openAmqp(settings.RABBITMQ_URL, 'wattstream doctor');
  } catch (error) {
    return [wrongBy('queues', error, 'See the log of RabbitMQ.')];
  }
  try {
    const exchanges = await missingOf(allExchanges(names), (name) =>
      withChannel(connection, (channel) => channel.checkExchange(name)),
    );
    const depths = new Map<string, Depth>();
    const queues = await missingOf(allQueues(names), async (name) => {
      const { messageCount, consumerCount } = await withChannel(connection, (channel) =>
        channel.checkQueue(name),
      );
      depths.set(name, { messages: messageCount, consumers: consumerCount });
    });
    const { deadLetters, notifications, keptCommands, localLists } = names.queues;
    const bindings =
      exchanges.length + queues.length > 0
        ? unknown('bindings', 'not looked at: not all is there')
        : await checkBindings(names, settings, managementUrl);
    return [
      judgeMissing('exchanges', allExchanges(names).length, exchanges),
      judgeMissing('queues', allQueues(names).length, queues),
      bindings,
      judgeDeadLetters(depths.get(deadLetters)),
      judgeWork('notifications', depths.get(notifications)),
      judgeWork('kept commands', depths.get(keptCommands)),
      judgeWork('local lists', depths.get(localLists)),
    ];
  } catch (error) {
    return [wrongBy('queues', error, 'See the log of RabbitMQ.')];
  } finally {
    await closeAmqp(connection);
  }
}

/** Not those of logins: the api alone makes them, and says itself when it cannot read them. */
const others = ({ logins: _, ...rest }: Readonly<Record<string, string>>): string[] => Object.values(rest);
const allExchanges = (names: MessageNames): string[] => others(names.exchanges);
const allQueues = (names: MessageNames): string[] => [
  ...others(names.streams),
  ...Object.values(names.queues),
  ...[names.queues.notifications, names.queues.keptCommands, names.queues.localLists].flatMap((queue) =>
    RETRY_DELAYS.map((delay) => names.retry(queue, delay)),
  ),
];

/** Names that `look` does not find. */
async function missingOf(
  names: readonly string[],
  look: (name: string) => Promise<unknown>,
): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names)
    try {
      await look(name);
    } catch (error) {
      if (replyCodeOf(error) !== REPLY.notFound) throw error;
      missing.push(name);
    }
  return missing;
}

export const judgeMissing = (check: string, wanted: number, missing: readonly string[]): Finding =>
  missing.length === 0
    ? ok(check, `all ${wanted} are there`)
    : wrong(check, `missing: ${missing.join(', ')}`, DECLARE);

/** Nothing is lost there, but somebody has to decide what becomes of it. */
export function judgeDeadLetters(depth: Depth | undefined): Finding {
  const check = 'dead letters';
  if (depth === undefined) return unknown(check, 'not looked at: the queue is missing');
  return depth.messages === 0
    ? ok(check, 'none')
    : wrong(
        check,
        `${depth.messages} could not be worked on`,
        'wattstream dead-letters list says which and why; then redrive or drop them.',
      );
}

export function judgeWork(check: string, depth: Depth | undefined): Finding {
  if (depth === undefined) return unknown(check, 'not looked at: the queue is missing');
  const { messages, consumers } = depth;
  const found = `${messages} wait, ${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`;
  if (consumers > 0) return ok(check, found);
  const remedy = 'An api works on them: is one running?';
  return messages > MANY ? wrong(check, found, remedy) : unknown(check, found, remedy);
}

interface Binding {
  readonly destination?: string;
  readonly routing_key?: string;
}

/** Only the management tells; without it a publisher finds out by what comes back, and declares it again. */
async function checkBindings(
  names: MessageNames,
  settings: Settings,
  managementUrl: string | undefined,
): Promise<Finding> {
  const check = 'bindings';
  if (!managementUrl)
    return unknown(check, 'not known here', 'Set RABBITMQ_MANAGEMENT_URL to have them checked.');
  const { exchanges, queues, streams } = names;
  const wanted = [
    { exchange: exchanges.chargingEvents, destination: streams.chargingEvents, key: '#' },
    { exchange: exchanges.cmsEvents, destination: streams.cmsEvents, key: '#' },
    { exchange: exchanges.notifications, destination: queues.notifications, key: '#' },
    { exchange: exchanges.chargingEvents, destination: queues.localLists, key: 'charger.online' },
    { exchange: exchanges.cmsEvents, destination: queues.localLists, key: 'cms.token.*' },
    { exchange: exchanges.deadLetters, destination: queues.deadLetters, key: '' },
  ];
  const { username, password, vhost } = streamAddress(settings);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  try {
    const missing: string[] = [];
    for (const { exchange, destination, key } of wanted) {
      const path = `/api/exchanges/${encodeURIComponent(vhost)}/${encodeURIComponent(exchange)}/bindings/source`;
      const url = new URL(path, managementUrl);
      url.username = url.password = '';
      const response = await fetch(url, {
        headers: { authorization },
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      if (!response.ok) return unknown(check, `the management answered ${response.status}`);
      const bindings = (await response.json()) as Binding[];
      if (!bindings.some((one) => one.destination === destination && one.routing_key === key))
        missing.push(`${exchange} to ${destination}`);
    }
    return missing.length === 0
      ? ok(check, 'what is published reaches the streams and queues that keep it')
      : wrong(
          check,
          `missing: ${missing.join(', ')}`,
          'Start ingest, analytics or the api again: each declares them. Who publishes meanwhile keeps it.',
        );
  } catch (error) {
    return unknown(check, `the management does not answer: ${messageOf(error)}`);
  }
}
