/** Does ClickHouse answer, is it new enough, does it know the time, and has it our tables? */
import type { ClickHouseClient } from '@clickhouse/client';
import { readMigrations } from '../../analytics/schema/files.js';
import { disagreement, landedMigrations } from '../../analytics/schema/migrate.js';
import type { Settings } from '../../platform/config.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';

const OLDEST = [25, 8] as const;
const SKEW_MS = 2_000;

/** `client` names no database: it may not exist. */
export async function checkDatabase(settings: Settings, client: ClickHouseClient): Promise<Finding[]> {
  let server: { version: string; now: number };
  const asked = Date.now();
  try {
    const result = await client.query({
      query: 'SELECT version() AS version, toUnixTimestamp64Milli(now64(3)) AS now',
      format: 'JSONEachRow',
    });
    [server] = (await result.json<typeof server>()) as [typeof server];
  } catch (error) {
    return [
      wrongBy(
        'ClickHouse',
        error,
        `Nothing usable at ${new URL(settings.CLICKHOUSE_URL).host}. Start it (npm start does), or correct CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD.`,
      ),
      ...['clock', 'tables'].map((check) => unknown(check, 'not looked at: ClickHouse does not answer')),
    ];
  }
  const answered = Date.now();
  return [
    judgeVersion(server.version),
    judgeClock(server.now, asked, answered),
    await checkTables(settings, client),
  ];
}

export function judgeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  return old
    ? wrong(
        'ClickHouse',
        `version ${version} is too old`,
        `ClickHouse ${OLDEST.join('.')} or later is needed.`,
      )
    : ok('ClickHouse', `version ${version}`);
}

/** The server's time lies between our asking and its answer, else one of the clocks is wrong. */
export function judgeClock(server: number, asked: number, answered: number): Finding {
  const off = server < asked ? server - asked : server > answered ? server - answered : 0;
  return Math.abs(off) <= SKEW_MS
    ? ok('clock', 'ClickHouse and we agree on the time')
    : wrong(
        'clock',
        `ClickHouse's clock is ${Math.abs(off / 1_000).toFixed(1)} s ${off < 0 ? 'behind' : 'ahead of'} ours`,
        'Let both machines follow a time server (chrony, systemd-timesyncd): receipt times stand in for broken clocks of chargers.',
      );
}

async function checkTables(settings: Settings, client: ClickHouseClient): Promise<Finding> {
  const check = 'tables';
  const database = settings.CLICKHOUSE_DATABASE;
  const files = await readMigrations();
  const landed = await landedMigrations(client, database).catch(() => undefined);
  if (landed === undefined)
    return wrong(
      check,
      `${database} has none`,
      'Start analytics: it makes them. Is CLICKHOUSE_DATABASE right?',
    );
  const refusal = disagreement(files, landed);
  if (refusal !== undefined) return wrongBy(check, refusal, '');
  const done = new Set(landed.map(({ name }) => name));
  const missing = files.filter(({ name }) => !done.has(name)).map(({ name }) => name);
  return missing.length === 0
    ? ok(check, `${database} has all ${files.length} migrations`)
    : wrong(
        check,
        `${database} lacks ${missing.join(', ')}`,
        'Start analytics of this version: it applies them.',
      );
}
