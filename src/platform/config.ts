import { z } from 'zod';
import { WattstreamError } from './errors.js';

/**
 * Every setting of every role, read from the environment once, at the composition root. The table in
 * docs/configuration.md is generated from the descriptions here.
 */
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'])
    .transform((text) => text === 'true' || text === '1')
    .default(fallback);
const names = () =>
  z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    );
const count = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

export const settings = z.object({
  RABBITMQ_URL: z
    .string()
    .default('amqp://guest:guest@127.0.0.1:5672')
    .describe(
      'AMQP address: amqp[s]://user:password@host:port/vhost. Several nodes of one cluster: whole addresses, separated by commas',
    ),
  RABBITMQ_STREAM_URL: z
    .string()
    .optional()
    .describe(
      'Stream address: rabbitmq-stream[+tls]://user:password@host:port/vhost; several as above. Default: as RABBITMQ_URL, port 5552',
    ),
  WATTSTREAM_PREFIX: z
    .string()
    .regex(/^[\x21-\x7e]*$/)
    .default('')
    .describe('Put before every name of a stream, exchange and queue. ASCII'),
  WATTSTREAM_PARTITIONS: count(8, 1).describe('Partitions of ocpp.frames; fixed once declared'),
  WATTSTREAM_EPOCH: count(1, 1, 31).describe(
    'Generation of the stream itself: raise (and leave so) when it was created again or lost confirmed records',
  ),
  WATTSTREAM_RETENTION_DAYS: count(30, 1).describe(
    'How long RabbitMQ keeps frames (the archive keeps them longer)',
  ),
  WATTSTREAM_REPLICAS: count(3, 1).describe(
    'Nodes that keep a copy of each partition; as many as the cluster has when the stream is made, at most',
  ),
  WATTSTREAM_EVENTS_RETENTION_DAYS: count(365, 1).describe('How long RabbitMQ keeps charging events'),
  WATTSTREAM_EVENTS_EPOCH: count(1, 1, 31).describe(
    'Generation of the event streams: raise (and leave so) when one was created again or lost confirmed records',
  ),
  WATTSTREAM_EVENTS_UNCONFIRMED_MAX: count(20_000, 1).describe(
    'Events and notifications that wait for a confirm; further ones are refused (PUBLISHER_FULL)',
  ),
  WATTSTREAM_LOCATE_MS: count(2_000, 10).describe('Time for a gateway to say which connection a charger has'),
  WATTSTREAM_REGISTRY_WRITE_MS: count(10_000, 100).describe(
    'Longest a change of the registry waits until this process has read it back from the log',
  ),
  WATTSTREAM_REGISTRY_SNAPSHOT_EVENTS: count(10_000, 1).describe(
    'Changes of the registry after which an api process writes a snapshot of it',
  ),
  WATTSTREAM_IMPORT_ITEMS: count(100_000, 1).describe('Entities in one import over the CMS'),
  WATTSTREAM_IMPORT_BYTES: count(64 * 1024 * 1024, 1).describe(
    'Bytes of one import over the CMS; an api process holds so many for each that is under way',
  ),
  CLICKHOUSE_URL: z.string().default('http://127.0.0.1:8123').describe('HTTP interface of ClickHouse'),
  CLICKHOUSE_USER: z.string().default('default').describe('User that may create and write'),
  CLICKHOUSE_PASSWORD: z.string().default('').describe('Its password'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .default('wattstream')
    .describe('Database of all tables and views'),
  WATTSTREAM_CLICKHOUSE_CLUSTER: z
    .string()
    .optional()
    .describe('Create Replicated tables ON CLUSTER of this name'),
  WATTSTREAM_DATA: z.string().default('.wattstream').describe('Folder of everything the embedded parts keep'),
  CLICKHOUSE_PORT: count(8123).describe('Port of the embedded ClickHouse role'),
  CLICKHOUSE_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address the embedded ClickHouse role listens on'),
  CLICKHOUSE_ALLOWED_HOSTS: z
    .string()
    .default('')
    .describe('Host names, besides localhost and addresses, by which the embedded ClickHouse may be called'),
  CLICKHOUSE_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .describe('Origins of web pages that may query the embedded ClickHouse, separated by commas'),
  WATTSTREAM_ANALYST_PASSWORD: z
    .string()
    .default('')
    .describe('Password of the read-only user `analyst` of the embedded ClickHouse'),
  WATTSTREAM_ANALYST_SECONDS: count(60, 1).describe("Longest an analyst's query may run"),
  WATTSTREAM_ANALYST_MEMORY_BYTES: count(1024 ** 3, 1).describe("Memory an analyst's query may take"),
  WATTSTREAM_ANALYST_RESULT_ROWS: count(1_000_000, 1).describe("Rows an analyst's query may return"),
  WATTSTREAM_ANALYST_RESULT_BYTES: count(256 * 1024 ** 2, 1).describe(
    "Bytes an analyst's query may return, in the engine's columns",
  ),
  WATTSTREAM_CLICKHOUSE_READERS: count(16, 1).describe('Queries the embedded ClickHouse runs side by side'),
  WATTSTREAM_CLICKHOUSE_WRITERS: count(4, 1).describe('Inserts and changes it runs side by side'),
  WATTSTREAM_INGEST_PORT: count(9220).describe('Port of the OCPP WebSocket'),
  WATTSTREAM_INGEST_HOST: z.string().default('0.0.0.0').describe('Address the OCPP WebSocket listens on'),
  WATTSTREAM_INGEST_TLS_CERT: z
    .string()
    .optional()
    .describe('Server certificate file (PEM); with it the port speaks wss'),
  WATTSTREAM_INGEST_TLS_KEY: z.string().optional().describe('Its private key (PEM)'),
  WATTSTREAM_INGEST_TLS_CLIENT_CA: z
    .string()
    .optional()
    .describe("CA that signs chargers' certificates (security profile 3)"),
  WATTSTREAM_CHARGE_POINTS: z
    .string()
    .optional()
    .describe('JSON file of known charge points and their credentials'),
  WATTSTREAM_ACCEPT_UNKNOWN: flag(false).describe('Admit charge points nobody has registered'),
  WATTSTREAM_ALLOW_CONCURRENT: flag(false).describe(
    'Let every listed token be in several transactions at once; else only those that have `concurrent`',
  ),
  WATTSTREAM_CONCURRENT_HOURS: count(12, 1, 24 * 31).describe(
    'A transaction that nothing was heard of for so long no longer keeps its token from starting another one',
  ),
  WATTSTREAM_CONCURRENT_LOOKBACK_MINUTES: count(60, 1).describe(
    'How far back an ingest reads at its start who is charging; more than chargers are silent while they charge',
  ),
  WATTSTREAM_CONCURRENT_MAX: count(200_000, 100).describe(
    'Transactions an ingest keeps in mind, those that ended lately included; beyond it tokens of the oldest are accepted',
  ),
  WATTSTREAM_ALLOW_PLAIN: flag(false).describe(
    'Admit known charge points without credentials (security profile 0)',
  ),
  WATTSTREAM_MAX_FRAME_BYTES: count(256 * 1024, 1024).describe(
    'Largest OCPP frame taken; larger ones close the socket (1009)',
  ),
  WATTSTREAM_HANDSHAKE_MS: count(10_000, 100).describe('Time for a WebSocket handshake'),
  WATTSTREAM_MESSAGES_PER_SECOND: count(100, 1).describe(
    'Sustained messages per second and charger; beyond it reading is slowed',
  ),
  WATTSTREAM_CONNECTIONS_PER_ADDRESS: count(5_000, 1).describe('Open sockets per remote address'),
  WATTSTREAM_PING_SECONDS: count(30, 1).describe('Between pings to a charger; two missed close the socket'),
  WATTSTREAM_HEARTBEAT_SECONDS: count(300, 1).describe('Interval told to chargers in BootNotification'),
  WATTSTREAM_UNCONFIRMED_MAX: count(20_000, 1).describe(
    'Records waiting for a confirm before sockets are paused',
  ),
  WATTSTREAM_STALL_MS: count(10_000, 100).describe(
    'Without any confirm for this long, chargers are sent away (1013 / 503)',
  ),
  WATTSTREAM_DRAIN_MS: count(10_000).describe('Time for a clean stop'),
  WATTSTREAM_GATEWAY: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe('Name of this ingest process. Default: host name and port'),
  WATTSTREAM_FLUSH_MS: count(300, 1).describe('Oldest a row may get before it is written'),
  WATTSTREAM_FLUSH_RECORDS: count(50_000, 1).describe(
    'Records whose rows are written without waiting for the age',
  ),
  WATTSTREAM_CHECKPOINT_MS: count(15_000, 100).describe('Between checkpoints'),
  WATTSTREAM_CHECKPOINT_RECORDS: count(100_000, 1).describe('Records that bring a checkpoint forward'),
  WATTSTREAM_GENERATION: count(1, 1).describe('Generation of derived tables this process writes'),
  WATTSTREAM_UNDECODABLE_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Share of undecodable records, in the last 1 000, that stops a reader'),
  WATTSTREAM_ACCEPT_GAP: z
    .string()
    .regex(
      /^([\w.-]+:\d+(,[\w.-]+:\d+)*)?$/,
      'expected partition:offset or stream:offset, separated by commas',
    )
    .default('')
    .describe(
      'Go on without records that retention took: partition:offset (of an event stream: its name:offset), separated by commas, as the refusal RETENTION_PASSED_CHECKPOINT names them',
    ),
  WATTSTREAM_SESSION_DAYS: count(3, 1).describe(
    'Days of log time for which ended sessions can still be amended',
  ),
  WATTSTREAM_COMMAND_SECONDS: count(30, 1).describe(
    'Time a charger has to answer a command, waiting its turn included, unless the request says otherwise',
  ),
  WATTSTREAM_COMMAND_SECONDS_MAX: count(300, 1).describe('Longest time a request may ask for'),
  WATTSTREAM_COMMAND_GRACE_SECONDS: count(5, 1).describe(
    'After the deadline of a command, before an api closes it without a word from the gateway; more than clocks differ',
  ),
  WATTSTREAM_COMMAND_KEPT_HOURS: count(168, 1).describe(
    'Longest time for which a command is kept for a charger that is away (queueUntil)',
  ),
  WATTSTREAM_COMMAND_MEMORY_MINUTES: count(60, 1).describe(
    'How far back an api reads the log of events at its start, and how long it remembers commands that have ended',
  ),
  WATTSTREAM_LOCAL_LIST_SETTLE_MS: count(10_000, 1_000).describe(
    'After the last change of tokens, before local lists are sent to chargers: a bulk import is one update. A change that comes into the log later than half of it has the whole list sent',
  ),
  WATTSTREAM_LOCAL_LIST_AT_ONCE: count(10, 1).describe(
    'Chargers whose local lists are worked on at the same time',
  ),
  WATTSTREAM_LOCAL_LIST_ENTRIES: count(1_000, 1).describe(
    'Entries of a local list, where neither the charger nor its charging point (localListEntries) says how many it can hold',
  ),
  WATTSTREAM_LOCAL_LIST_PER_MESSAGE: count(50, 1).describe(
    'Entries of a local list in one message, where the charger does not say how many it takes',
  ),
  WATTSTREAM_CHARGING_START_SECONDS: count(180, 1).describe(
    "After a customer's start, before it ends as CONNECTION_TIMEOUT because nobody plugged in; more than the chargers' own ConnectionTimeOut",
  ),
  WATTSTREAM_CHARGING_STOP_SECONDS: count(120, 1).describe(
    "After a customer's stop, before it ends as STOP_TIMEOUT because the session goes on",
  ),
  WATTSTREAM_RECEIPT_SUPPLIER: z
    .string()
    .max(100)
    .optional()
    .describe("Name of the supplier on receipts; default: the station's operator"),
  WATTSTREAM_RECEIPT_SUPPLIER_ADDRESS: z
    .string()
    .max(255)
    .optional()
    .describe('Address of the supplier on receipts, in one line'),
  WATTSTREAM_RECEIPT_VAT_ID: z.string().max(32).optional().describe('VAT number of the supplier on receipts'),
  WATTSTREAM_ANNOUNCE_HOURS: count(24, 0).describe(
    'Nothing that happened longer ago is announced on charging.events and notifications; 0 = nothing is',
  ),
  WATTSTREAM_ANNOUNCE_UNCONFIRMED: count(5_000, 1).describe(
    'Announcements waiting for a confirm at which analytics waits with reading',
  ),
  WATTSTREAM_API_PORT: count(8080).describe('Port of the API'),
  WATTSTREAM_API_HOST: z.string().default('127.0.0.1').describe('Address the API listens on'),
  WATTSTREAM_API_ALLOWED_HOSTS: names().describe(
    'Host names, besides localhost and addresses, by which the API may be called while authentication is off; separated by commas',
  ),
  WATTSTREAM_API_ALLOWED_ORIGINS: names().describe(
    'Origins of web pages, besides its own, that may open a live connection to the API; separated by commas',
  ),
  WATTSTREAM_AUTH: z
    .enum(['off', 'required'])
    .default('required')
    .describe('Whether callers of the API must prove who they are; off: everybody is an anonymous admin'),
  WATTSTREAM_JWT_SECRET: z
    .string()
    .optional()
    .describe('Key of our own tokens (HS256), 32 bytes at the least; `wattstream token` signs with it'),
  WATTSTREAM_ACCESS_MINUTES: count(15, 1, 24 * 60).describe('How long an access token of a login holds'),
  WATTSTREAM_LOGIN_DAYS: count(14, 1, 365).describe(
    'How long a login can be continued with its refresh token, however often; then the password is asked for again. RabbitMQ keeps logins two days longer, by the value with which an api first made the stream cms.logins.log',
  ),
  WATTSTREAM_REFRESH_LEEWAY_SECONDS: count(20, 0, 300).describe(
    'How long a refresh token that was used may come again, because its answer got lost, as long as nobody has come with the newer one; then it ends the login. 0: no time at all',
  ),
  WATTSTREAM_LOGIN_ATTEMPTS: count(5, 1).describe(
    'Failed logins in a row for one account from one address, after which it waits; ten times as many for one account from anywhere, or from one address for any account',
  ),
  WATTSTREAM_LOGIN_LOCK_SECONDS: count(900, 1).describe(
    'Longest wait after too many failed logins: it begins with one second, and doubles with each further failure',
  ),
  WATTSTREAM_RATE_PER_ADDRESS: count(1_200, 1).describe(
    'Requests per minute from one address to one API process, while authentication is required',
  ),
  WATTSTREAM_RATE_PER_PRINCIPAL: count(1_200, 1).describe(
    'Requests per minute of one person or program to one API process',
  ),
  WATTSTREAM_RATE_LOGIN: count(60, 1).describe(
    'Logins, refreshes, changes of passwords and new keys per minute from one address to one API process',
  ),
  WATTSTREAM_TRUSTED_PROXIES: names().describe(
    'Addresses and ranges (CIDR) of proxies before the API whose X-Forwarded-For is believed; separated by commas',
  ),
  WATTSTREAM_API_KEYS_MAX: count(20, 0).describe('Keys of programs per account'),
  WATTSTREAM_FIRST_ADMIN: flag(true).describe(
    'When the registry has never had an account, the API makes an admin and prints the password, once',
  ),
  WATTSTREAM_ADMIN_EMAIL: z
    .email()
    .default('admin@wattstream.local')
    .describe('E-mail address of that first admin: what to log in with'),
  WATTSTREAM_OIDC_ISSUER: z
    .string()
    .optional()
    .describe('Outside issuer of tokens (OIDC), as its `iss` says'),
  WATTSTREAM_OIDC_AUDIENCE: z.string().optional().describe('What its tokens must name as `aud`'),
  WATTSTREAM_OIDC_JWKS_URL: z
    .string()
    .optional()
    .describe("Its keys. Default: what the issuer's discovery document says"),
  WATTSTREAM_OIDC_ROLE_CLAIM: z
    .string()
    .default('role')
    .describe('Claim of the role or roles; dots lead into objects (realm_access.roles)'),
  WATTSTREAM_OIDC_ROLES: z
    .string()
    .default('')
    .describe(
      'What the issuer calls our roles: operator=charging-ops,admin=platform. Default: as we call them (customer, operator, analyst, admin)',
    ),
  WATTSTREAM_OIDC_ACCOUNT_CLAIM: z.string().default('account').describe("Claim of a customer's account"),
  WATTSTREAM_OIDC_STATIONS_CLAIM: z
    .string()
    .default('stations')
    .describe('Claim of the stations somebody is restricted to; without it: none'),
  WATTSTREAM_LIVE_ROOMS_PER_SOCKET: count(100, 1).describe('Rooms one live connection may be in'),
  WATTSTREAM_LIVE_SOCKETS_PER_PRINCIPAL: count(200, 1).describe(
    'Live connections of one person or program to one API process',
  ),
  WATTSTREAM_LIVE_MESSAGE_BYTES: count(16 * 1024, 1_024).describe(
    'Largest message taken from a live connection',
  ),
  WATTSTREAM_LIVE_BUFFER_BYTES: count(8 * 1024 ** 2, 1_024).describe(
    'Bytes that may wait for a slow live connection before it is closed',
  ),
  WATTSTREAM_LIVE_REPLAY: count(1_000, 1).describe('Changes of a room kept for those who come back'),
  WATTSTREAM_LIVE_ROOM_SECONDS: count(300, 1).describe(
    'How long a room that everybody left is kept for them',
  ),
  WATTSTREAM_LIVE_MEMORY_SECONDS: count(60, 1).describe(
    'How long the newest notification about a thing is laid over what the tables say',
  ),
  WATTSTREAM_LIVE_SNAPSHOT_ROWS: count(5_000, 1, 50_000).describe(
    'Chargers, connectors or sessions, of each at most, in a snapshot',
  ),
  WATTSTREAM_LIVE_COST_SECONDS: count(5, 1).describe('How often sessions that somebody looks at are priced'),
  WATTSTREAM_LIVE_COST_SESSIONS: count(200, 1, 500).describe('Sessions priced at once for live views'),
  WATTSTREAM_SECRETS_KEY: z
    .string()
    .min(32)
    .optional()
    .describe(
      'What secrets of webhooks are sealed with in the registry; without it they stand there as they are',
    ),
  WATTSTREAM_WEBHOOKS_MAX: count(100, 0).describe('Webhooks at most'),
  WATTSTREAM_WEBHOOK_ALLOW_HTTP: flag(false).describe('Deliver to http addresses too, unencrypted'),
  WATTSTREAM_WEBHOOK_ALLOW_ADDRESSES: names().describe(
    'Addresses and ranges (CIDR) that webhooks may go to although they are private; separated by commas',
  ),
  WATTSTREAM_WEBHOOK_TIMEOUT_MS: count(10_000, 100).describe('Time for one attempt to deliver'),
  WATTSTREAM_WEBHOOK_FIRST_RETRY_MS: count(5_000, 1).describe(
    'Pause after the first failure; three times as long after each further one, one hour at most',
  ),
  WATTSTREAM_WEBHOOK_RETRY_SECONDS: count(86_400, 0).describe(
    'How long a delivery is tried before it becomes a dead letter',
  ),
  WATTSTREAM_WEBHOOK_CONCURRENCY: count(4, 1, 100).describe('Attempts side by side per webhook'),
  WATTSTREAM_WEBHOOK_ROTATION_SECONDS: count(86_400, 0).describe(
    'How long a former secret signs beside the new one',
  ),
  WATTSTREAM_OPS_PORT: count(0).describe(
    'Port of /health and /metrics of a role without HTTP of its own; 0 = any free',
  ),
  WATTSTREAM_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least level that is logged'),
});

export type Settings = z.infer<typeof settings>;

/** Reads the settings; throws code CONFIG_INVALID naming each wrong variable. */
export function readSettings(env: Record<string, string | undefined> = process.env): Settings {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settings.safeParse(present);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new WattstreamError('CONFIG_INVALID', `Settings in the environment are wrong: ${wrong}`, {
    remedy: 'See docs/configuration.md for every setting, its unit and its default.',
  });
}

export interface BrokerAddress {
  host: string;
  port: number;
  username: string;
  password: string;
  vhost: string;
  tls: boolean;
  /** Where else the same cluster answers, for when this node is away. They have no others themselves. */
  others?: readonly BrokerAddress[];
}

/** The addresses in a setting that may name several. A comma within one (a password's) does not part it. */
export const brokerUrls = (setting: string): string[] =>
  setting
    .split(/,(?=\s*[a-z][a-z+-]*:\/\/)/i)
    .map((url) => url.trim())
    .filter((url) => url !== '');

/** The stream listeners' addresses, from RABBITMQ_STREAM_URL or derived from RABBITMQ_URL. */
export function streamAddress(config: Pick<Settings, 'RABBITMQ_URL' | 'RABBITMQ_STREAM_URL'>): BrokerAddress {
  const explicit = config.RABBITMQ_STREAM_URL !== undefined;
  const [first = '', ...others] = brokerUrls(config.RABBITMQ_STREAM_URL ?? config.RABBITMQ_URL);
  const address = oneStreamAddress(first, explicit);
  if (others.length > 0) address.others = others.map((url) => oneStreamAddress(url, explicit));
  return address;
}

function oneStreamAddress(text: string, explicit: boolean): BrokerAddress {
  const url = new URL(
    text.replace(/^[a-z+-]+:/i, (scheme) => (/tls|amqps/i.test(scheme) ? 'https:' : 'http:')),
  );
  const tls = url.protocol === 'https:';
  const path = decodeURIComponent(url.pathname.replace(/^\//, ''));
  return {
    host: url.hostname,
    port: explicit && url.port ? Number(url.port) : tls ? 5551 : 5552,
    username: decodeURIComponent(url.username || 'guest'),
    password: decodeURIComponent(url.password || 'guest'),
    vhost: path === '' ? '/' : path,
    tls,
  };
}
