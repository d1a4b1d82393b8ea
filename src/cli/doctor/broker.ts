/** Can RabbitMQ be used, over both of its protocols, and are the streams there? */

import { connect as connectTcp } from 'node:net';
import amqplib from 'amqplib';
import { closeAmqp } from '../../platform/amqp.js';
import { type BrokerAddress, brokerUrls, type Settings, streamAddress } from '../../platform/config.js';
import { messageOf } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import { withTimeout } from '../../platform/retry.js';
import { streamNames } from '../../streams/names.js';
import { addressesOf } from '../../streams/rabbitmq/addresses.js';
import { StreamClient } from '../../streams/rabbitmq/client.js';
import { partitionsOf } from '../../streams/rabbitmq/topology.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';

const LIMIT_MS = 5_000;
const OLDEST = [3, 13] as const;

export async function checkBroker(settings: Settings, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  // Side by side: a broker takes its time over a refusal.
  const [amqp, streams, retention] = await Promise.all([
    checkNodes(settings),
    checkStreams(settings),
    checkRetention(settings, env.RABBITMQ_MANAGEMENT_URL),
  ]);
  return [...amqp, ...streams, retention];
}

/** What the broker says when it refuses (AMQP 0-9-1, reply codes), and what that means here. */
const REFUSALS = [
  {
    sign: /ACCESS.REFUSED|403/,
    remedy:
      'User or password in RABBITMQ_URL is wrong, or the user may not come from here (guest only from loopback).',
  },
  {
    sign: /NOT.ALLOWED|530|vhost/,
    remedy:
      'The virtual host in RABBITMQ_URL does not exist, or the user has no permission in it: rabbitmqctl add_vhost, set_permissions.',
  },
] as const;

/** Every node that is named; a finding about one of several names it. */
async function checkNodes(settings: Settings): Promise<Finding[]> {
  const urls = brokerUrls(settings.RABBITMQ_URL);
  const findings = await Promise.all(urls.map(checkAmqp));
  return findings.flat();
}

async function checkAmqp(url: string): Promise<Finding[]> {
  const { hostname, port, protocol } = new URL(url.replace(/^amqp/, 'http'));
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = Number(port || (protocol === 'https:' ? 5671 : 5672));
  const where = `${host}:${number}`;
  const closed = await doorClosed(host, number);
  if (closed !== undefined)
    return [
      wrong(
        'AMQP port',
        `${where}: ${closed}`,
        'Start RabbitMQ (npm start provides one), or correct RABBITMQ_URL.',
      ),
      unknown('AMQP login', 'not tried: the port is closed'),
    ];
  try {
    const connection = await withTimeout(
      amqplib.connect(url, { timeout: LIMIT_MS }),
      LIMIT_MS + 1_000,
      'The handshake',
    );
    const version = String(connection.connection.serverProperties.version ?? '');
    await closeAmqp(connection);
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
    return [
      ok('AMQP port', where),
      old
        ? wrong(
            'AMQP login',
            `RabbitMQ ${version} is too old`,
            `RabbitMQ ${OLDEST.join('.')} or later is needed.`,
          )
        : ok('AMQP login', `RabbitMQ ${version}, virtual host ${vhostOf(url)}`),
    ];
  } catch (error) {
    const message = messageOf(error);
    const remedy = REFUSALS.find(({ sign }) => sign.test(message))?.remedy ?? 'See the log of RabbitMQ.';
    return [ok('AMQP port', where), wrong('AMQP login', message, remedy)];
  }
}

const vhostOf = (url: string): string =>
  decodeURIComponent(new URL(url.replace(/^amqp/, 'http')).pathname.slice(1)) || '/';

/** undefined = somebody listens; else why not. */
const doorClosed = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const done = (reason?: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(LIMIT_MS, () => done(`no answer within ${LIMIT_MS / 1_000} s`));
    socket.once('connect', () => done());
    socket.once('error', (error) => done(messageOf(error)));
  });

async function checkStreams(settings: Settings): Promise<Finding[]> {
  const address = streamAddress(settings);
  const skipped = (...checks: string[]) =>
    checks.map((check) => unknown(check, 'not tried: no login over the stream protocol'));
  const ports = await Promise.all(addressesOf(address).map(checkStreamPort));
  if (ports.every(({ verdict }) => verdict === 'wrong'))
    return [...ports, ...skipped('stream login', 'partitions', 'advertised hosts')];
  const options = { address, log: silentLogger, timeoutMs: LIMIT_MS, name: 'wattstream doctor' };
  let client: StreamClient;
  try {
    client = await StreamClient.open(options);
  } catch (error) {
    return [
      ...ports,
      wrongBy('stream login', error, 'See the log of RabbitMQ.'),
      ...skipped('partitions', 'advertised hosts'),
    ];
  }
  const findings = [...ports, ok('stream login', `virtual host ${address.vhost}`)];
  try {
    const { superStream } = streamNames(settings.WATTSTREAM_PREFIX);
    const partitions = await partitionsOf(client, superStream);
    findings.push(judgePartitions(superStream, partitions.length, settings.WATTSTREAM_PARTITIONS));
    findings.push(await checkLeaders(partitions, options));
  } catch (error) {
    findings.push(wrongBy('partitions', error, 'See the log of RabbitMQ.'));
  } finally {
    await client.close();
  }
  return findings;
}

async function checkStreamPort({ host, port }: BrokerAddress): Promise<Finding> {
  const where = `${host}:${port}`;
  const closed = await doorClosed(host, port);
  return closed === undefined
    ? ok('stream port', where)
    : wrong(
        'stream port',
        `${where}: ${closed}`,
        'Enable the plugin (rabbitmq-plugins enable rabbitmq_stream), or correct RABBITMQ_STREAM_URL.',
      );
}

function judgePartitions(superStream: string, found: number, wanted: number): Finding {
  if (found === wanted) return ok('partitions', `${superStream} has ${found}`);
  if (found === 0)
    return wrong(
      'partitions',
      `${superStream} does not exist`,
      'Start ingest or analytics: each declares it. Is WATTSTREAM_PREFIX right?',
    );
  return wrong(
    'partitions',
    `${superStream} has ${found}, WATTSTREAM_PARTITIONS says ${wanted}`,
    `Set WATTSTREAM_PARTITIONS=${found}; another count needs a new super stream and a higher WATTSTREAM_EPOCH.`,
  );
}

/** Publishers and readers go to the host that RabbitMQ advertises for each partition, not to the one of the URL. */
async function checkLeaders(
  partitions: readonly string[],
  options: Parameters<typeof StreamClient.open>[0],
): Promise<Finding> {
  const check = 'advertised hosts';
  if (partitions.length === 0) return unknown(check, 'no partition to look for');
  const results = await Promise.allSettled(
    partitions.map(async (stream) => (await StreamClient.openFor(stream, 'leader', options)).close()),
  );
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${partitions[index]}: ${messageOf(result.reason)}`] : [],
  );
  return failed.length === 0
    ? ok(check, `the leaders of all ${partitions.length} partitions can be reached`)
    : wrong(
        check,
        failed.join('; '),
        'Set stream.advertised_host and stream.advertised_port in rabbitmq.conf to what can be reached from here.',
      );
}

interface QueueArguments {
  readonly arguments?: { readonly 'x-max-age'?: string };
  readonly effective_policy_definition?: { readonly 'max-age'?: string };
}

/** Only the management tells what a stream was declared with; without it there is nothing to judge. */
async function checkRetention(settings: Settings, management: string | undefined): Promise<Finding> {
  const check = 'retention';
  if (!management) return unknown(check, 'not known here', 'Set RABBITMQ_MANAGEMENT_URL to have it checked.');
  const { username, password, vhost } = streamAddress(settings);
  const stream = streamNames(settings.WATTSTREAM_PREFIX).partition(0);
  const url = new URL(`/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(stream)}`, management);
  url.username = url.password = '';
  try {
    const response = await fetch(url, {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    if (response.status === 404) return unknown(check, `${stream} does not exist yet`);
    if (!response.ok) return unknown(check, `the management answered ${response.status}`);
    const queue = (await response.json()) as QueueArguments;
    // A policy wins over what the stream was declared with.
    const age = queue.effective_policy_definition?.['max-age'] ?? queue.arguments?.['x-max-age'];
    return judgeRetention(stream, age, settings.WATTSTREAM_RETENTION_DAYS);
  } catch (error) {
    return unknown(check, `the management does not answer: ${messageOf(error)}`);
  }
}

const DAYS: Record<string, number> = { Y: 365, M: 30, D: 1, h: 1 / 24, m: 1 / 1_440, s: 1 / 86_400 };

export function judgeRetention(stream: string, age: string | undefined, wantedDays: number): Finding {
  const check = 'retention';
  const [, amount, unit = ''] = /^(\d+)([YMDhms])$/.exec(age ?? '') ?? [];
  if (amount === undefined)
    return age === undefined
      ? wrong(
          check,
          `${stream} keeps everything, until the disk is full`,
          `Set a policy with max-age ${wantedDays}D.`,
        )
      : unknown(check, `${stream} keeps ${age}`);
  const days = Number(amount) * (DAYS[unit] ?? 0);
  return days === wantedDays
    ? ok(check, `${stream} keeps ${age}`)
    : wrong(
        check,
        `${stream} keeps ${age}, WATTSTREAM_RETENTION_DAYS says ${wantedDays}`,
        `An existing stream is not changed: set a policy, rabbitmqctl set_policy frames '^${stream.replace(/-0$/, '')}-' '{"max-age":"${wantedDays}D"}' --apply-to streams, or correct the setting.`,
      );
}
