/**
 * Which RabbitMQ to use, from what is known about the machine. Pure, so that every machine can be tested on
 * any machine.
 *
 * @typedef {object} Machine
 * @property {string} [amqpUrl] RABBITMQ_URL as given
 * @property {string} [streamUrl] RABBITMQ_STREAM_URL as given
 * @property {boolean} docker an engine answered, and `docker compose` is there
 * @property {{ path: string, version: string }} [installed] rabbitmq-server on this machine
 * @property {number} uid
 * @property {string} os `ID` and `ID_LIKE` of os-release(5), blank-separated
 * @property {Cage} [cage] what root is allowed to do here
 *
 * @typedef {'namespaces' | 'chroot'} Cage how a foreign root can be run: in private pid and mount namespaces, or
 *   (in a container without CAP_SYS_ADMIN) by chroot alone
 *
 * @typedef {{ way: 'given' } | { way: 'docker' } | { way: 'installed', path: string, version: string }
 *   | { way: 'trixie', cage: Cage } | { way: 'none', message: string, remedy: string }} Decision
 */

/** Streams with single active consumers on super streams, and filtering. */
export const OLDEST_RABBITMQ = '3.13';

/**
 * Compares dotted versions by number: Debian's `4.0.5-6+deb13u1` counts as 4.0.5.
 * @param {string} version
 * @param {string} least
 */
export function isAtLeast(version, least) {
  const [have, need] = [version, least].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (have?.[index] ?? 0) - (need?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * @param {Machine} machine
 * @returns {Decision}
 */
export function decideBroker(machine) {
  if (machine.amqpUrl || machine.streamUrl) return { way: 'given' };
  if (machine.docker) return { way: 'docker' };
  if (machine.installed && isAtLeast(machine.installed.version, OLDEST_RABBITMQ)) {
    return { way: 'installed', ...machine.installed };
  }
  const debian = /\b(debian|ubuntu)\b/.test(machine.os);
  if (debian && machine.uid === 0 && machine.cage) return { way: 'trixie', cage: machine.cage };

  const lacks = [
    'RABBITMQ_URL is not set',
    'no Docker engine with "docker compose" answers',
    machine.installed
      ? `the installed rabbitmq-server is ${machine.installed.version}, older than ${OLDEST_RABBITMQ}`
      : 'rabbitmq-server is not installed',
    !debian
      ? 'this is neither Debian nor Ubuntu'
      : machine.uid !== 0
        ? 'this user is not root'
        : 'this system does not let root use chroot (a container without CAP_SYS_CHROOT?)',
  ];
  return {
    way: 'none',
    message: `No RabbitMQ can be found or made here: ${lacks.join('; ')}.`,
    remedy: [
      'Do one of these four:',
      '1. point RABBITMQ_URL=amqp://user:password@host:5672 and',
      '   RABBITMQ_STREAM_URL=rabbitmq-stream://user:password@host:5552 at a RabbitMQ >= 3.13 with streams;',
      '2. start a Docker engine (the compose file does the rest);',
      `3. install rabbitmq-server >= ${OLDEST_RABBITMQ} (https://www.rabbitmq.com/docs/download);`,
      '4. on Debian or Ubuntu run this as root: it then makes a private Debian 13 with RabbitMQ 4.',
    ].join('\n  '),
  };
}
