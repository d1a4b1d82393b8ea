/**
 * How fast analytics reads events out of `charging.events.log` into their table, in how much memory, and how soon
 * commands are found among them. Of ten events four are the steps of a command, six are updates of sessions.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClickHouse } from '../analytics/clickhouse.js';
import { createQueries } from '../analytics/queries/ask.js';
import { messageNames } from '../domain/messages/names.js';
import { openAmqp } from '../platform/amqp.js';
import { readSettings } from '../platform/config.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';

export interface EventsBenchOptions {
  readonly env: Record<string, string | undefined>;
  readonly events: number;
  /** Starts analytics with its metrics on this port. */
  start(opsPort: number): ChildProcess;
  readonly opsPort: number;
  say(text: string): void;
}

export interface EventsRound {
  readonly events: number;
  readonly perSecond: number;
  readonly peakMiB: number;
  /** Milliseconds of the questions, by name. */
  readonly asked: Readonly<Record<string, number>>;
}

const CHARGE_POINTS = 1_000;
const commandIdOf = (n: number): string => `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;
const chargePointOf = (n: number): string => `CP-${n % CHARGE_POINTS}`;

function eventOf(n: number): { id: string; type: string } & Record<string, unknown> {
  const at = new Date(Date.UTC(2026, 10, 25) + n * 10).toISOString();
  const tenth = Math.floor(n / 10);
  const place = n % 10;
  const head = { schema: 1, at, chargePointId: chargePointOf(tenth) };
  const step = { ...head, commandId: commandIdOf(tenth) };
  const held = { gateway: 'g1', connection: `c-${tenth % CHARGE_POINTS}` };
  if (place === 0)
    return {
      ...step,
      id: `${step.commandId}/requested`,
      type: 'command.requested',
      action: 'ChangeConfiguration',
      operation: 'change-configuration',
      protocol: 'ocpp1.6',
      payload: { key: 'MeterValueSampleInterval', value: '30' },
      digest: 'f'.repeat(64),
      actor: 'operator:eve',
      deadline: at,
      queueUntil: null,
    };
  if (place === 3) return { ...step, ...held, id: `${step.commandId}/sent`, type: 'command.sent' };
  if (place === 6 || place === 9)
    return {
      ...step,
      ...held,
      id: `${step.commandId}/${place === 6 ? 'accepted' : 'timed-out'}`,
      type: place === 6 ? 'command.accepted' : 'command.timed-out',
      status: 'Accepted',
      response: { status: 'Accepted' },
      delivery: 'delivery-unknown',
      detail: 'swept',
    };
  return {
    ...head,
    id: `session.updated/1/0/${n}/${commandIdOf(tenth)}`,
    type: 'session.updated',
    stationId: 'st-1',
    accountId: 'ac-1',
    version: n,
    previous: n > 0 ? n - 1 : null,
    session: {
      sessionId: commandIdOf(tenth % CHARGE_POINTS),
      chargePointId: head.chargePointId,
      evseId: 1,
      connectorId: 1,
      transactionId: String(n),
      status: 'active',
      held: false,
      authStatus: 'Accepted',
      stationId: 'st-1',
      accountId: 'ac-1',
      tariff: 'day@1',
      startedAt: at,
      stoppedAt: null,
      lastSeenAt: at,
      energyWh: n / 10,
      energyExportWh: null,
      powerW: 7_360.5,
      maxPowerW: 11_000,
      socPercent: 55,
      stopReason: '',
      estimated: false,
      anomalies: [],
      remoteStartId: null,
    },
  };
}

/** Raw, since what is measured is reading. */
async function publish({ env, events, say }: EventsBenchOptions): Promise<void> {
  const settings = readSettings(env);
  const amqpUrl = settings.RABBITMQ_URL.split(',')[0] as string;
  const prefix = settings.WATTSTREAM_PREFIX;
  await ensureQueueTopology({ amqpUrl, prefix, eventsRetentionDays: 1 });
  const connection = await openAmqp(amqpUrl, 'wattstream bench');
  const channel = await connection.createConfirmChannel();
  const { chargingEvents } = messageNames(prefix).exchanges;
  for (let n = 0; n < events; n++) {
    const event = eventOf(n);
    const options = {
      messageId: event.id,
      persistent: true,
      contentType: 'application/json',
      appId: 'bench',
    };
    channel.publish(chargingEvents, event.type, Buffer.from(JSON.stringify(event)), options);
    if (n % 5_000 === 4_999) await channel.waitForConfirms();
    if (n % 250_000 === 249_999) say(`  ${n + 1} events published`);
  }
  await channel.waitForConfirms();
  await connection.close();
}

async function stored(opsPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${opsPort}/metrics`).catch(() => undefined);
  const sign = 'wattstream_event_records_total{stream="charging.events.log"} ';
  const line = (await answer?.text())?.split('\n').find((one) => one.startsWith(sign));
  return Number(line?.slice(sign.length) ?? 0);
}

/** Linux: the largest the process ever was. */
const peakMiB = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;

export async function measureEvents(options: EventsBenchOptions): Promise<EventsRound> {
  const { events, opsPort, say } = options;
  await publish(options);
  const analytics = options.start(opsPort);
  let first: number | undefined;
  let before = 0;
  while (before < events) {
    await sleep(50);
    before = await stored(opsPort);
    if (before > 0) first ??= performance.now();
  }
  const seconds = (performance.now() - (first as number)) / 1_000;
  const peak = peakMiB(analytics.pid as number);
  const asked = await askAll(options);
  say(`  ${Math.round(events / seconds)} events/s, at most ${Math.round(peak)} MiB`);
  return { events, perSecond: events / seconds, peakMiB: peak, asked };
}

async function askAll({ env, events }: EventsBenchOptions): Promise<Record<string, number>> {
  const client = createClickHouse(readSettings(env), { requestTimeoutMs: 120_000 });
  const queries = createQueries({ client, maxSeconds: 100 });
  const times: Record<string, number> = {};
  const questions: Record<string, [string, Record<string, unknown>]> = {
    'commands, newest 100': ['commands', {}],
    'commands of one charger': ['commands', { charge_point_id: 'CP-7' }],
    'one command': ['command', { command_id: commandIdOf(Math.floor(events / 20)) }],
    'steps, newest 200': ['command-steps', {}],
    'charging profiles of one charger': ['charging-profiles', { charge_point_id: 'CP-7' }],
  };
  for (const [title, [name, params]] of Object.entries(questions)) {
    await queries.ask(name, params);
    times[title] = (await queries.ask(name, params)).elapsedMs;
  }
  await client.close();
  return times;
}
