/**
 * How long a process needs until it knows a large registry: out of the log alone, and out of a snapshot. The entities
 * are as large as real ones: stations with opening hours, charging points of four connectors, tokens.
 */
import { randomUUID } from 'node:crypto';
import type { CmsEvent, EntityKind } from '../domain/messages/cms-events.js';
import { KEY_BOOK } from '../domain/registry/personal.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { silentLogger } from '../platform/logger.js';
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { newKey, seal, tagOf } from '../registry/keys/seal.js';
import { openRegistry } from '../registry/rabbitmq/open.js';

export interface RegistryRound {
  /** From the first line of its code. */
  readonly seconds: number;
  readonly entities: number;
  readonly readFromLog: number;
  readonly heapMiB: number;
}

export interface RegistryBenchOptions {
  readonly env: Record<string, string | undefined>;
  readonly entities: number;
  readonly rounds: number;
  /** Runs `registry-process.js`. */
  round(): Promise<RegistryRound>;
  say(text: string): void;
}

/** Of ten entities one is a station, four are charging points, three accounts and two tokens. */
function* events(count: number): Generator<CmsEvent> {
  yield created('key-book', KEY_BOOK, { id: KEY_BOOK, book: 1, from: null, tagKey: 'bench' });
  for (let index = 0; index < count; index++) {
    const station = `st-${index - (index % 10)}`;
    const place = index % 10;
    if (place === 0) yield created('station', station, stationOf(station));
    else if (place <= 4) yield created('point', `CP-${index}`, pointOf(`CP-${index}`, station));
    else if (place <= 7) yield created('account', `ac-${index}`, accountOf(`ac-${index}`));
    else
      yield created('token', `TOKEN-${index}`, {
        uid: `TOKEN-${index}`,
        type: 'RFID',
        status: 'Accepted',
        whitelist: 'ALLOWED',
        account: `ac-${index - place + 7}`,
        sealed: sealedOf(`token/TOKEN-${index}`),
      });
  }
}

const created = (kind: EntityKind, entityId: string, state: Record<string, unknown>): CmsEvent => ({
  id: randomUUID(),
  schema: 1,
  at: '2026-11-25T10:00:00.000Z',
  type: `cms.${kind}.created`,
  kind,
  entityId,
  version: 1,
  actor: 'bench',
  state,
});

/** All under one key: judging looks at none. */
const KEY = newKey();
const sealedOf = (ref: string) => ({
  book: 1,
  key: 'bench-key',
  data: seal(KEY, JSON.stringify({ name: `Somebody ${ref}`, email: `${ref}@example.com` }), ref),
});
const accountOf = (id: string) => ({
  id,
  role: 'customer',
  disabled: false,
  passwordHash: `sealed$bench-key$${seal(KEY, 'x'.repeat(90), `account/${id}/passwordHash`)}`,
  sealed: { ...sealedOf(`account/${id}`), email: tagOf(KEY, `${id}@example.com`) },
});

const stationOf = (id: string) => ({
  id,
  publish: true,
  name: `Station ${id}`,
  address: 'Kade 1',
  city: 'Rotterdam',
  postal_code: '3011AA',
  country: 'NLD',
  coordinates: { latitude: '51.92250', longitude: '4.47917' },
  time_zone: 'Europe/Amsterdam',
  opening_times: {
    twentyfourseven: false,
    regular_hours: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({
      weekday,
      period_begin: '07:00',
      period_end: '23:00',
    })),
  },
  operator: { name: 'Wattstream', website: 'https://example.com/' },
});

const pointOf = (id: string, station: string) => ({
  id,
  station,
  securityProfile: 1,
  passwordHash: 'scrypt$12$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  vendor: 'Vendor',
  model: 'Model X',
  serialNumber: `SN-${id}`,
  evses: [1, 2].map((evseId) => ({
    evseId,
    evse_id: `NL*WAT*E${id.slice(3)}*${evseId}`,
    connectors: [1, 2].map((connectorId) => ({
      connectorId,
      standard: 'IEC_62196_T2',
      format: 'SOCKET',
      power_type: 'AC_3_PHASE',
      max_voltage: 230,
      max_amperage: 32,
      max_electric_power: 22_000,
    })),
  })),
});

const WINDOW = 5_000;

export async function measureRegistry({
  env,
  entities,
  rounds,
  round,
  say,
}: RegistryBenchOptions): Promise<void> {
  const settings = readSettings(env);
  const { WATTSTREAM_PREFIX: prefix, RABBITMQ_URL: amqpUrl } = settings;
  const topology = { amqpUrl, prefix, eventsRetentionDays: 1 };
  await ensureQueueTopology(topology);
  const connection = new QueueConnection({ amqpUrl, name: 'wattstream bench' });
  const publisher = createEventPublisher({ connection, prefix });
  let underWay: Promise<void>[] = [];
  for (const event of events(entities)) {
    underWay.push(publisher.publishCMSEvent(event));
    if (underWay.length === WINDOW) {
      await Promise.all(underWay);
      underWay = [];
    }
  }
  await Promise.all(underWay);
  say(`registry: ${entities} entities in the log`);
  await report('out of the log alone');

  const opened = openRegistry({
    address: streamAddress(settings),
    topology,
    log: silentLogger,
    connection,
    publisher,
    writeMs: 60_000,
    snapshotEvents: Number.MAX_SAFE_INTEGER,
  });
  await opened.store.replica.level;
  const began = performance.now();
  await opened.snapshotter.write();
  say(`  a snapshot was written in ${((performance.now() - began) / 1_000).toFixed(2)} s`);
  await opened.close();
  await publisher.close();
  await connection.close();
  await report('out of a snapshot');

  async function report(how: string): Promise<void> {
    for (let number = 1; number <= rounds; number++) {
      const { seconds, entities: known, readFromLog, heapMiB } = await round();
      say(
        `  round ${number}: ${how}, ready after ${seconds.toFixed(2)} s ` +
          `(${known} entities, ${readFromLog} events read, heap ${Math.round(heapMiB)} MiB)`,
      );
    }
  }
}
