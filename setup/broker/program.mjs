import { createSay } from '../say.mjs';
import { decideBroker } from './decide.mjs';
import { lookAround } from './machine.mjs';
import { ensureTrixie } from './trixie.mjs';

/**
 * The program of a private node on this machine, whatever brokers are given or run in Docker: for what must own
 * its nodes, to kill them. undefined where there is none (an ordinary user without RabbitMQ).
 * @param {{ env?: NodeJS.ProcessEnv, say?: import('../say.mjs').Say }} [options]
 * @returns {Promise<import('./place.mjs').Program | undefined>}
 */
export async function privateProgram({ env = process.env, say = createSay({ write: () => true }) } = {}) {
  const { RABBITMQ_URL: _amqp, RABBITMQ_STREAM_URL: _stream, ...bare } = env;
  const decision = decideBroker({ ...(await lookAround(bare)), docker: false });
  if (decision.way === 'installed') return { server: decision.path };
  if (decision.way === 'trixie') return { root: await ensureTrixie({ env: bare, say }), cage: decision.cage };
  return undefined;
}
