/** The role `ingest`: the only file here that names concrete clients and the environment. */
import { messageNames } from '../domain/messages/names.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { createCommandReceiver } from '../queues/rabbitmq/command-receiver.js';
import { openQueues, queueTopologyOf } from '../queues/rabbitmq/open.js';
import { openReplica } from '../registry/rabbitmq/open.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitPublisher } from '../streams/rabbitmq/publisher.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { runIngest } from './role.js';

await runIngest(readSettings(), {
  ensureTopology,
  createPublisher: createRabbitPublisher,
  openReplica: (settings, log) =>
    openReplica({ address: streamAddress(settings), topology: queueTopologyOf(settings, log), log }),
  openEvents: (settings, log) =>
    createRabbitEventLog({
      address: streamAddress(settings),
      stream: messageNames(settings.WATTSTREAM_PREFIX).streams.chargingEvents,
      log,
    }),
  openCommands({ settings, gatewayId, log }) {
    const { connection, prefix, events, close } = openQueues(settings, `wattstream ingest ${gatewayId}`, log);
    return {
      events,
      receive: (handler) => createCommandReceiver({ connection, prefix, gateway: gatewayId, handler }),
      close,
    };
  },
});
