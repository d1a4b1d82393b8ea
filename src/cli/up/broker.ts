import { setTimeout as sleep } from 'node:timers/promises';
import { brokerUrls, readSettings, streamAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { addressesOf } from '../../streams/rabbitmq/addresses.js';
import { accepts } from './ports.js';

/**
 * Waits until both listeners of RabbitMQ accept connections. Throws BROKER_UNREACHABLE after `ms`.
 * Whether it has the right plugins and rights is found out by the roles, which say so.
 */
export async function untilBrokerAnswers(
  env: NodeJS.ProcessEnv,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const settings = readSettings(env);
  // Any node of a cluster will do.
  const doors = [
    { name: 'AMQP', at: brokerUrls(settings.RABBITMQ_URL).map(amqpDoor) },
    { name: 'streams', at: addressesOf(streamAddress(settings)) },
  ];
  for (const until = Date.now() + ms; !signal.aborted; ) {
    const open = await Promise.all(
      doors.map(async ({ at }) =>
        (await Promise.all(at.map(({ host, port }) => accepts(bare(host), port)))).includes(true),
      ),
    );
    if (open.every(Boolean)) return;
    if (Date.now() > until) {
      const closed = doors
        .filter((_, index) => !open[index])
        .map(({ name, at }) => `${name} at ${at.map(({ host, port }) => `${host}:${port}`).join(', ')}`);
      throw new WattstreamError('BROKER_UNREACHABLE', `RabbitMQ does not answer: ${closed.join('; ')}.`, {
        canRetry: true,
        remedy:
          'Start it with the plugin rabbitmq_stream, or set RABBITMQ_URL and RABBITMQ_STREAM_URL. "npm start" provides one.',
      });
    }
    await sleep(100, undefined, { signal }).catch(() => {});
  }
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

function amqpDoor(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url.replace(/^amqp/, 'http'));
  return { host: hostname, port: Number(port || (url.startsWith('amqps:') ? 5671 : 5672)) };
}
