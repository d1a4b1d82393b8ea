/**
 * AMQP 0.9.1 connections that are opened for one piece of work (declaring, checking), and what the broker's refusals mean.
 * Lasting ones, which come back by themselves, are in `src/queues/rabbitmq/connection.ts`.
 */
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { brokerUrls } from './config.js';
import { messageOf, WattstreamError } from './errors.js';
import { firstToAnswer } from './first-to-answer.js';

const LIMIT_MS = 10_000;

/** Reply codes (AMQP 0-9-1, and RabbitMQ's own use of them). */
export const REPLY = {
  accessRefused: 403,
  notFound: 404,
  /** An exclusive queue of another connection. */
  resourceLocked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
} as const;

/** Waiting changes none of these. */
const FINAL: readonly number[] = [REPLY.accessRefused, REPLY.preconditionFailed, REPLY.notAllowed];

/** PEM texts, for `amqps:`. The broker's certificate is always verified. */
export interface AmqpTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The broker's reply code of a channel or connection that it closed, as 406. */
export const replyCodeOf = (error: unknown): number | undefined => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
};

/** An error that says that the broker refused a declaration. A cluster that has just lost a node refuses too (541), and soon no more. */
export const refusedDeclaration = (what: string, error: unknown): WattstreamError =>
  new WattstreamError('TOPOLOGY_REFUSED', `${what} could not be declared: ${messageOf(error)}`, {
    remedy: 'The user of RABBITMQ_URL needs the permissions configure, write and read on these names.',
    canRetry: !FINAL.includes(replyCodeOf(error) ?? 0),
    cause: error,
  });

/** What keeps a broker from being reached, as an error with a remedy. `url` may carry a password, which is not told. */
export function unreachable(url: string, error: unknown): WattstreamError {
  const { host } = new URL(url);
  const why = messageOf(error);
  if (/ACCESS[-_]REFUSED|403/.test(why))
    return new WattstreamError('BROKER_AUTH_FAILED', `RabbitMQ at ${host} refused the login: ${why}`, {
      remedy: 'Check user and password in RABBITMQ_URL.',
      canRetry: true,
      cause: error,
    });
  // amqplib does not tell with which words the broker closed instead of opening the virtual host.
  if (/ConnectionOpenOk|NOT[-_]ALLOWED|530/.test(why))
    return new WattstreamError(
      'BROKER_VHOST_REFUSED',
      `RabbitMQ at ${host} refused the virtual host: ${why}`,
      {
        remedy: 'Create the virtual host that RABBITMQ_URL names and give its user permissions on it.',
        canRetry: true,
        cause: error,
      },
    );
  return new WattstreamError('BROKER_UNREACHABLE', `RabbitMQ at ${host} (AMQP): ${why}`, {
    remedy:
      'RABBITMQ_URL must name the AMQP listener (usually port 5672) of the broker, with user and password.',
    canRetry: true,
    cause: error,
  });
}

/** The first of the addresses in `setting` (RABBITMQ_URL) that answers. Rejects with BROKER_UNREACHABLE, _AUTH_FAILED, _VHOST_REFUSED. */
export function openAmqp(setting: string, name: string, tls?: AmqpTls): Promise<ChannelModel> {
  const open = async (url: string): Promise<ChannelModel> => {
    try {
      const connection = await connect(url, {
        timeout: LIMIT_MS,
        clientProperties: { connection_name: name },
        ...tls,
      });
      // Whatever ends the connection also rejects what is asked over it.
      connection.on('error', () => {});
      return connection;
    } catch (error) {
      throw unreachable(url, error);
    }
  };
  return firstToAnswer(brokerUrls(setting), open, closeAmqp);
}

/**
 * Closes a channel or connection. Never rejects: what is gone already is closed too. amqplib's own `close` waits for the
 * broker's word alone, which never comes when the connection dies before it.
 */
export function closeAmqp(one: {
  close(): Promise<unknown>;
  once(event: 'close', listener: () => void): unknown;
}): Promise<void> {
  return new Promise((resolve) => {
    one.once('close', () => resolve());
    Promise.resolve()
      .then(() => one.close())
      .then(
        () => resolve(),
        () => resolve(),
      );
  });
}

/** Works on a channel of its own, which a refusal of the broker closes. */
export async function withChannel<T>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  const done = await work(channel);
  await closeAmqp(channel);
  return done;
}

/**
 * Declares a durable queue or stream where it is missing. One that is there with other arguments is left as it is: what
 * may be changed later is changed with a policy. Resolves to whether its arguments are these.
 */
export async function declareQueue(
  connection: ChannelModel,
  name: string,
  queueArguments: Record<string, unknown>,
): Promise<boolean> {
  try {
    await withChannel(connection, (channel) =>
      channel.assertQueue(name, { durable: true, arguments: queueArguments }),
    );
    return true;
  } catch (error) {
    if (replyCodeOf(error) !== REPLY.preconditionFailed) throw error;
    return false;
  }
}
