/**
 * How long an api needs until it knows its logins, out of their log alone: a working day of each login is its beginning and 31
 * turns, a quarter of an hour apart; of ten logins nine go on.
 */
import { randomUUID } from 'node:crypto';
import type { LoginEvent } from '../domain/messages/login-events.js';
import { readSettings } from '../platform/config.js';
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';

export interface LoginsRound {
  /** From the first line of its code. */
  readonly seconds: number;
  /** What counts on a machine that others use too. */
  readonly processorSeconds: number;
  readonly logins: number;
  readonly readFromLog: number;
  readonly heapMiB: number;
}

export interface LoginsBenchOptions {
  readonly env: Record<string, string | undefined>;
  readonly events: number;
  readonly rounds: number;
  /** Runs `logins-process.js`. */
  round(): Promise<LoginsRound>;
  say(text: string): void;
}

const TURNS = 31;
/** At a time, as on a working day: their events lie among each other. */
const AT_ONCE = 1_000;
const WINDOW = 5_000;

function* events(count: number): Generator<LoginEvent> {
  const head = (login: number) => ({
    id: randomUUID(),
    schema: 1 as const,
    at: new Date().toISOString(),
    loginId: `login-${login}`,
    accountId: `ac-${login % 10_000}`,
  });
  const endsAt = new Date(Date.now() + 14 * 86_400_000).toISOString();
  let made = 0;
  for (let first = 0; ; first += AT_ONCE)
    for (let turn = 1; turn <= TURNS + 2; turn++)
      for (let login = first; login < first + AT_ONCE; login++) {
        if (turn === TURNS + 2 && login % 10 !== 0) continue;
        if (++made > count) return;
        if (turn === 1) yield { ...head(login), type: 'login.begun', endsAt, credential: 'mZ0bq1c2r3s4t5u6' };
        else if (turn <= TURNS + 1) yield { ...head(login), type: 'login.turned', version: turn };
        else yield { ...head(login), type: 'login.ended' };
      }
}

export async function measureLogins({
  env,
  events: count,
  rounds,
  round,
  say,
}: LoginsBenchOptions): Promise<void> {
  const settings = readSettings(env);
  const { WATTSTREAM_PREFIX: prefix, RABBITMQ_URL: amqpUrl } = settings;
  await ensureQueueTopology({ amqpUrl, prefix, eventsRetentionDays: 1, loginDays: 14 });
  const connection = new QueueConnection({ amqpUrl, name: 'wattstream bench' });
  const publisher = createEventPublisher({ connection, prefix });
  let underWay: Promise<void>[] = [];
  for (const event of events(count)) {
    underWay.push(publisher.publishLoginEvent(event));
    if (underWay.length === WINDOW) {
      await Promise.all(underWay);
      underWay = [];
    }
  }
  await Promise.all(underWay);
  await publisher.close();
  await connection.close();
  say(`logins: ${count} events in their log`);
  for (let number = 1; number <= rounds; number++) {
    const { seconds, processorSeconds, logins, readFromLog, heapMiB } = await round();
    say(
      `  round ${number}: ready after ${seconds.toFixed(2)} s, ${processorSeconds.toFixed(2)} s of them at work ` +
        `(${logins} logins, ${readFromLog} events read, heap ${Math.round(heapMiB)} MiB)`,
    );
  }
}
