import { Problem } from '../say.mjs';
import { eachUrl, urlsIn } from './addresses.mjs';

/**
 * The little of RabbitMQ's management API that the set-up needs.
 * @param {{ managementUrl: string, amqpUrl: string }} broker credentials are those of the AMQP address
 */
export function managementOf({ managementUrl, amqpUrl }) {
  const { username, password } = new URL((urlsIn(amqpUrl)[0] ?? '').replace(/^amqps?:/, 'http:'));
  const user = decodeURIComponent(username || 'guest');
  const authorization = `Basic ${Buffer.from(`${user}:${decodeURIComponent(password || 'guest')}`).toString('base64')}`;

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  const call = async (method, path, body) => {
    const response = await fetch(new URL(path, managementUrl), {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) {
      throw new Problem(
        `RabbitMQ's management answered ${response.status} to ${method} ${path}: ${await response.text()}`,
      );
    }
    return response;
  };

  return {
    /** @returns {Promise<string>} RabbitMQ's version */
    async version() {
      const overview = /** @type {{ rabbitmq_version: string }} */ (
        await (await call('GET', '/api/overview')).json()
      );
      return overview.rabbitmq_version;
    },
    /** Whether it answers and every virtual host has recovered. */
    async isWhole() {
      return call('GET', '/api/health/checks/virtual-hosts').then(
        () => true,
        () => false,
      );
    },
    /** @returns {Promise<string[]>} names of the cluster's nodes that run, as this one sees it */
    async runningNodes() {
      const nodes = /** @type {{ name: string, running: boolean }[]} */ (
        await (await call('GET', '/api/nodes')).json()
      );
      return nodes.filter((node) => node.running).map((node) => node.name);
    },
    /**
     * @param {string} vhost
     * @param {string} name of a stream or quorum queue
     * @returns {Promise<{ leader?: string, members?: string[], online?: string[] }>}
     */
    async placeOf(vhost, name) {
      return /** @type {{ leader?: string, members?: string[], online?: string[] }} */ (
        await (await call('GET', queuePath(vhost, name))).json()
      );
    },
    /**
     * @param {string} vhost
     * @param {string} name
     */
    async declareStream(vhost, name) {
      await call('PUT', queuePath(vhost, name), { durable: true, arguments: { 'x-queue-type': 'stream' } });
    },
    /**
     * @param {string} vhost
     * @param {string} name
     */
    async deleteQueue(vhost, name) {
      await call('DELETE', queuePath(vhost, name));
    },
    /** @param {string} name */
    async createVhost(name) {
      await call('PUT', `/api/vhosts/${encodeURIComponent(name)}`, {});
      await call('PUT', `/api/permissions/${encodeURIComponent(name)}/${encodeURIComponent(user)}`, {
        configure: '.*',
        write: '.*',
        read: '.*',
      });
    },
    /** @param {string} name */
    async deleteVhost(name) {
      await call('DELETE', `/api/vhosts/${encodeURIComponent(name)}`);
    },
  };
}

/**
 * @param {string} vhost
 * @param {string} name
 */
const queuePath = (vhost, name) => `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`;

/**
 * The same broker as seen in another virtual host.
 * @param {string} urls amqp or rabbitmq-stream addresses
 * @param {string} vhost
 */
export const inVhost = (urls, vhost) =>
  eachUrl(urls, (url) => {
    const parsed = new URL(url);
    parsed.pathname = `/${encodeURIComponent(vhost)}`;
    return parsed.toString();
  });
