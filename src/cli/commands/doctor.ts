import { Command } from 'commander';
import { type ClickHouseClient, createClickHouse } from '../../analytics/clickhouse.js';
import { createEventPositions } from '../../analytics/events/positions.js';
import { createCheckpoints } from '../../analytics/pipeline/checkpoints.js';
import type { Checkpoints } from '../../analytics/pipeline/ports.js';
import { createQueries } from '../../analytics/queries/ask.js';
import { readSettings, type Settings, streamAddress } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { createRabbitInspector } from '../../streams/rabbitmq/inspector.js';
import type { Context } from '../context.js';
import { checkBroker } from '../doctor/broker.js';
import { type Finding, ok, report, unknown, wrongBy } from '../doctor/check.js';
import { checkDatabase } from '../doctor/database.js';
import { checkEvents } from '../doctor/events.js';
import { checkKeys } from '../doctor/keys.js';
import { checkProgress } from '../doctor/progress.js';
import { checkQueues } from '../doctor/queues.js';

export const doctorCommand = (context: Context): Command =>
  new Command('doctor')
    .description(
      'Checks everything an installation needs and says how to mend what is wrong. Exit code 1 if anything is.',
    )
    .option('--json', 'as JSON')
    .action(async (flags: { json?: boolean }) => {
      const findings = await examine(context.env);
      const healthy = findings.every(({ verdict }) => verdict !== 'wrong');
      context.out(flags.json ? `${JSON.stringify({ healthy, findings }, null, 2)}\n` : report(findings));
      if (!healthy) context.exit(1);
    });

/** All checks, none of which throws. Changes nothing anywhere. */
export async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let settings: ReturnType<typeof readSettings>;
  try {
    settings = readSettings(env);
  } catch (error) {
    return [wrongBy('settings', error, 'See docs/configuration.md.')];
  }
  const options = { application: 'wattstream-doctor', requestTimeoutMs: 10_000 };
  const server = createClickHouse(settings, { ...options, database: false });
  const client = createClickHouse(settings, options);
  const inspector = createRabbitInspector({
    address: streamAddress(settings),
    prefix: settings.WATTSTREAM_PREFIX,
    partitions: settings.WATTSTREAM_PARTITIONS,
    timeoutMs: 5_000,
  });
  try {
    const [broker, database] = await Promise.all([
      checkBroker(settings, env),
      checkDatabase(settings, server),
    ]);
    const usable = ['stream login', 'partitions', 'tables'].every((needed) =>
      [...broker, ...database].some(({ check, verdict }) => check === needed && verdict === 'ok'),
    );
    const progress = usable
      ? (
          await Promise.all([
            checkProgress(settings, createQueries({ client }), savedBy(settings, client), inspector),
            checkEvents(settings, eventPositionsOf(settings, client), (stream) =>
              createRabbitEventLog({
                address: streamAddress(settings),
                stream: `${settings.WATTSTREAM_PREFIX}${stream}`,
                timeoutMs: 5_000,
              }),
            ),
          ])
        ).flat()
      : [unknown('progress', 'not looked at: it takes the log and the tables')];
    const queues = broker.some(({ check, verdict }) => check === 'AMQP login' && verdict === 'ok')
      ? [...(await checkQueues(settings, env.RABBITMQ_MANAGEMENT_URL)), await checkKeys(settings)]
      : [unknown('queues', 'not looked at: no login over AMQP')];
    return [ok('settings', 'all of them are understood'), ...broker, ...queues, ...database, ...progress];
  } finally {
    await Promise.allSettled([server.close(), client.close(), inspector.close()]);
  }
}

/** The checkpoints that analytics with these settings would load. */
const savedBy = (settings: Settings, client: ClickHouseClient): Pick<Checkpoints, 'load'> =>
  createCheckpoints(
    client,
    { generation: settings.WATTSTREAM_GENERATION, epoch: settings.WATTSTREAM_EPOCH },
    silentLogger,
  );

const eventPositionsOf = (settings: Settings, client: ClickHouseClient) =>
  createEventPositions(client, {
    generation: settings.WATTSTREAM_GENERATION,
    epoch: settings.WATTSTREAM_EVENTS_EPOCH,
  });
