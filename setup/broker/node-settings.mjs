import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../ports.mjs';

/**
 * What a private node is told: by files in its data folder, and by its environment.
 *
 * @typedef {{ amqp: number, stream: number, management: number, distribution: number, epmd: number }} Ports
 */

/**
 * @param {string} dataDir
 * @param {Ports} ports
 * @param {{ hasProc: boolean }} surroundings
 */
export function writeConfiguration(dataDir, ports, { hasProc }) {
  for (const folder of ['data', 'log']) mkdirSync(join(dataDir, folder), { recursive: true });
  writeFileSync(join(dataDir, 'rabbitmq.conf'), configuration(ports) + (hasProc ? WITH_PROC : WITHOUT_PROC));
  writeFileSync(
    join(dataDir, 'enabled_plugins'),
    '[rabbitmq_stream, rabbitmq_stream_management, rabbitmq_management].\n',
  );
}

/**
 * @param {string} home the data folder as the node sees it
 * @param {Ports} ports
 */
export const environment = (home, ports) => ({
  HOME: `${home}/data`,
  RABBITMQ_NODENAME: 'wattstream@localhost',
  RABBITMQ_DIST_PORT: String(ports.distribution),
  ERL_EPMD_PORT: String(ports.epmd),
  ERL_EPMD_ADDRESS: '127.0.0.1',
  RABBITMQ_CONFIG_FILE: `${home}/rabbitmq.conf`,
  RABBITMQ_ENABLED_PLUGINS_FILE: `${home}/enabled_plugins`,
  RABBITMQ_MNESIA_BASE: `${home}/data`,
  RABBITMQ_LOG_BASE: `${home}/log`,
  RABBITMQ_LOGS: `${home}/log/rabbit.log`,
  // Makes the start script become the Erlang VM rather than stay as its parent, so that the process we
  // hold is the one that gets the signals. Without NOTIFY_SOCKET it has no other effect.
  RUNNING_UNDER_SYSTEMD: 'true',
});

/** @param {Ports} ports */
const configuration = (ports) => `# Written at each start by setup/broker/node.mjs; changes here are lost.
listeners.tcp.1 = 127.0.0.1:${ports.amqp}
stream.listeners.tcp.1 = 127.0.0.1:${ports.stream}
stream.advertised_host = 127.0.0.1
stream.advertised_port = ${ports.stream}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${ports.management}
distribution.listener.interface = 127.0.0.1
log.file.level = warning
log.file.rotation.size = 10485760
log.file.rotation.count = 3
# A developer's disk is often fuller than RabbitMQ likes; below this it would block every publisher.
disk_free_limit.absolute = 256MB
# Statistics are for people looking at the management page: fewer, and an idle broker stays idle.
collect_statistics_interval = 15000
`;

/**
 * The ports of the start before, where they are still free.
 * @param {string} dataDir
 * @returns {Promise<Ports>}
 */
export async function choosePorts(dataDir) {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'ports.json');
  /** @type {Partial<Ports>} */
  let before = {};
  try {
    before = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The first start.
  }
  const names = /** @type {const} */ (['amqp', 'stream', 'management', 'distribution', 'epmd']);
  const chosen = await freePorts(names.map((name) => before[name]));
  const ports = /** @type {Ports} */ (Object.fromEntries(names.map((name, index) => [name, chosen[index]])));
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

const WITH_PROC = 'vm_memory_high_watermark.relative = 0.3\n';
/** In a chroot without /proc the node can read neither the machine's memory nor its own, and would not start. */
const WITHOUT_PROC = `vm_memory_high_watermark.absolute = 1GB
vm_memory_calculation_strategy = erlang
`;
