import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings, streamAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
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
  const amqp = new URL(settings.RABBITMQ_URL.replace(/^amqp/, 'http'));
  const stream = streamAddress(settings);
  const secure = settings.RABBITMQ_URL.startsWith('amqps:');
  const doors = [
    { name: 'AMQP', host: amqp.hostname, port: Number(amqp.port || (secure ? 5671 : 5672)) },
    { name: 'streams', host: stream.host, port: stream.port },
  ];
  for (const until = Date.now() + ms; !signal.aborted; ) {
    const open = await Promise.all(doors.map(({ host, port }) => accepts(bare(host), port)));
    if (open.every(Boolean)) return;
    if (Date.now() > until) {
      const closed = doors
        .filter((_, index) => !open[index])
        .map(({ name, host, port }) => `${name} at ${host}:${port}`);
      throw new WattstreamError('BROKER_UNREACHABLE', `RabbitMQ does not answer: ${closed.join(', ')}.`, {
        canRetry: true,
        remedy:
          'Start it with the plugin rabbitmq_stream, or set RABBITMQ_URL and RABBITMQ_STREAM_URL. "npm start" provides one.',
      });
    }
    await sleep(100, undefined, { signal }).catch(() => {});
  }
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');
