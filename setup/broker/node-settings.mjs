import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, SERVER_PORTS } from '../ports.mjs';

/**
 * What a private node is told: by files in its data folder, and by its environment.
 *
 * @typedef {{ amqp: number, stream: number, management: number, distribution: number, epmd: number }} Ports
 *
 * @typedef {object} Membership what makes several nodes find each other
 * @property {string} name of this node, `<name>@localhost`
 * @property {readonly string[]} all of them, this one included
 * @property {string} cookie the same for all: Erlang's shared secret
 */

/**
 * @param {string} dataDir
 * @param {Ports} ports
 * @param {{ hasProc: boolean }} surroundings
 * @param {Membership} [membership]
 */
export function writeConfiguration(dataDir, ports, { hasProc }, membership) {
  for (const folder of ['data', 'log']) mkdirSync(join(dataDir, folder), { recursive: true });
  writeFileSync(
    join(dataDir, 'rabbitmq.conf'),
    configuration(ports) + (hasProc ? WITH_PROC : WITHOUT_PROC) + (membership ? clustering(membership) : ''),
  );
  if (membership) {
    const cookie = join(dataDir, 'data', '.erlang.cookie');
    // Erlang wants it to be its owner's alone; so it cannot be written over either.
    rmSync(cookie, { force: true });
    writeFileSync(cookie, membership.cookie, { mode: 0o400 });
  }
  writeFileSync(
    join(dataDir, 'enabled_plugins'),
    '[rabbitmq_stream, rabbitmq_stream_management, rabbitmq_management].\n',
  );
}

/**
 * @param {string} home the data folder as the node sees it
 * @param {Ports} ports
 * @param {Membership} [membership]
 */
export const environment = (home, ports, membership) => ({
  HOME: `${home}/data`,
  RABBITMQ_NODENAME: membership?.name ?? 'wattstream@localhost',
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
 * Members are found by their names alone, and join at their first start. A node that was killed must not
 * be forgotten, a minority must not go on by itself.
 * @param {Membership} membership
 */
const clustering = ({ all }) => `cluster_partition_handling = pause_minority
cluster_formation.peer_discovery_backend = classic_config
${all.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}\n`).join('')}`;

/**
 * The ports of the start before, where they are still free.
 * @param {string} dataDir
 * @returns {Promise<Ports>}
 */
export const choosePorts = async (dataDir) =>
  /** @type {Ports} */ (await namedPorts(dataDir, [...NODE_PORTS, 'epmd']));

/** Of one node; nodes of one cluster share an epmd. */
export const NODE_PORTS = /** @type {const} */ (['amqp', 'stream', 'management', 'distribution']);

/**
 * @param {string} dataDir where they are written down
 * @param {readonly string[]} names
 * @returns {Promise<Record<string, number>>}
 */
export async function namedPorts(dataDir, names) {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'ports.json');
  /** @type {Record<string, number | undefined>} */
  let before = {};
  try {
    before = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The first start.
  }
  const chosen = await freePorts(
    names.map((name) => before[name]),
    SERVER_PORTS,
  );
  const ports = Object.fromEntries(names.map((name, index) => [name, /** @type {number} */ (chosen[index])]));
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

const WITH_PROC = 'vm_memory_high_watermark.relative = 0.3\n';
/** In a chroot without /proc the node can read neither the machine's memory nor its own, and would not start. */
const WITHOUT_PROC = `vm_memory_high_watermark.absolute = 1GB
vm_memory_calculation_strategy = erlang
`;
