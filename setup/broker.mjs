import { join, resolve } from 'node:path';
import { eachUrl, urlsIn } from './broker/addresses.mjs';
import { decideBroker } from './broker/decide.mjs';
import { startInDocker } from './broker/docker.mjs';
import { readEndpoint } from './broker/endpoint.mjs';
import { lookAround } from './broker/machine.mjs';
import { startNode } from './broker/node.mjs';
import { ensureTrixie } from './broker/trixie.mjs';
import { tryLock } from './lock.mjs';
import { accepts } from './ports.mjs';
import { Problem } from './say.mjs';

/**
 * @typedef {object} Broker
 * @property {string} amqpUrl
 * @property {string} streamUrl
 * @property {string | undefined} managementUrl without credentials; undefined when given addresses lack it
 * @property {string} how one phrase for people: whose broker this is
 * @property {Promise<void>} ready settles when it answers; rejects with a Problem when it never will
 * @property {(options?: { now?: boolean }) => Promise<void>} stop
 *   what was started here is stopped, its data kept; what was found is left alone. `now` does not wait
 */

/**
 * Finds a RabbitMQ or provides one, in the order of the README. Resolves once its addresses are known and
 * it was launched: await `ready` before using it (or do something else meanwhile).
 * @param {object} options
 * @param {string} options.dataDir where a private node keeps its data
 * @param {import('./say.mjs').Say} options.say
 * @param {string} [options.shareWith] data folder of another private node, used if it runs
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {string} [options.folder] the checkout
 * @returns {Promise<Broker>}
 */
export async function provideBroker({ dataDir, say, shareWith, env = process.env, folder = process.cwd() }) {
  const machine = await lookAround(env);
  const decision = decideBroker(machine);
  if (decision.way === 'given') return given(env);
  const running = shareWith === undefined ? undefined : readEndpoint(resolve(shareWith));
  if (running) {
    return {
      amqpUrl: running.amqp,
      streamUrl: running.stream,
      managementUrl: running.management,
      how: `the private node of process ${running.pid}`,
      ready: Promise.resolve(),
      stop: async () => {},
    };
  }
  switch (decision.way) {
    case 'docker':
      return {
        ...(await say.step(
          'RabbitMQ container',
          () => startInDocker({ folder }),
          'docker compose up rabbitmq',
        )),
        how: 'a container of docker compose',
        ready: Promise.resolve(),
      };
    case 'installed':
      return owned(
        dataDir,
        say,
        { server: decision.path },
        `private node of the installed RabbitMQ ${decision.version}`,
      );
    case 'trixie':
      return owned(
        dataDir,
        say,
        { root: await ensureTrixie({ env, say }), cage: decision.cage },
        'private node',
      );
    case 'none':
      throw new Problem(decision.message, decision.remedy);
  }
}

/**
 * @param {string} folder
 * @param {import('./say.mjs').Say} say
 * @param {import('./broker/node.mjs').Program} program
 * @param {string} how
 * @returns {Promise<Broker>}
 */
async function owned(folder, say, program, how) {
  const dataDir = resolve(folder);
  const lock = tryLock(join(dataDir, 'node.lock'));
  if ('owner' in lock) {
    throw new Problem(
      `Process ${lock.owner.pid} runs a RabbitMQ in ${dataDir} already.`,
      'Stop it first, or choose another folder with WATTSTREAM_DATA.',
    );
  }
  const node = await startNode({ dataDir, program, say });
  return {
    ...node,
    how,
    async stop(options) {
      await node.stop(options);
      lock.release();
    },
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Broker>}
 */
async function given(env) {
  const parts = addresses(env);
  const ready = Promise.all(
    [
      { name: 'RABBITMQ_URL', url: parts.amqpUrl, port: 5672 },
      { name: 'RABBITMQ_STREAM_URL', url: parts.streamUrl, port: 5552 },
    ].map(async ({ name, url, port }) => {
      const places = urlsIn(url).map((one) => {
        const { hostname, port: explicit } = new URL(one);
        return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(explicit || port) };
      });
      const open = await Promise.all(places.map(({ host, port }) => accepts(host, port, 5_000)));
      // Of a cluster, one node is enough.
      if (!open.includes(true)) {
        throw new Problem(
          `Nothing answers at ${places.map((place) => `${place.host}:${place.port}`).join(', ')} (${name}).`,
          'Start that RabbitMQ (with the plugin rabbitmq_stream enabled for the stream port), correct the variable, or unset it to get a private one.',
        );
      }
    }),
  ).then(() => {});
  ready.catch(() => {});
  return { ...parts, how: 'as given by RABBITMQ_URL', ready, stop: async () => {} };
}

/**
 * The two addresses and the management's, each derived from the other where only one was given.
 * @param {NodeJS.ProcessEnv} env
 */
export function addresses(env) {
  const source = env.RABBITMQ_URL || env.RABBITMQ_STREAM_URL || '';
  const given = urlsIn(source);
  try {
    if (given.length === 0) throw new Error('no address');
    for (const url of [...given, ...urlsIn(env.RABBITMQ_STREAM_URL || source)]) new URL(url);
  } catch {
    throw new Problem(
      `RABBITMQ_URL or RABBITMQ_STREAM_URL is no URL: ${source.replace(/\/\/[^@]*@/g, '//***@')}`,
      'They look like amqp://user:password@host:5672/vhost and rabbitmq-stream://user:password@host:5552/vhost; several nodes of a cluster are separated by commas.',
    );
  }
  const base = new URL(given[0] ?? '');
  const secure = /^(amqps|rabbitmq-stream\+tls):$/.test(base.protocol);
  /**
   * @param {string} scheme
   * @param {number} port
   */
  const sibling = (scheme, port) =>
    eachUrl(source, (url) => {
      const { host, hostname } = new URL(url);
      return url.replace(/^[a-z+-]+:/i, `${scheme}:`).replace(host, `${hostname}:${port}`);
    });
  return {
    amqpUrl: env.RABBITMQ_URL || sibling(secure ? 'amqps' : 'amqp', secure ? 5671 : 5672),
    streamUrl:
      env.RABBITMQ_STREAM_URL ||
      sibling(secure ? 'rabbitmq-stream+tls' : 'rabbitmq-stream', secure ? 5551 : 5552),
    managementUrl:
      env.RABBITMQ_MANAGEMENT_URL || `http${secure ? 's' : ''}://${base.hostname}:${secure ? 15671 : 15672}`,
  };
}
