/**
 * Brings the database to the schema of this code. Any number of processes may do so at the same moment, and
 * any of them may be killed in the middle:
 *
 * 1. CREATE DATABASE and the table `migrations`, both IF NOT EXISTS.
 * 2. What landed is compared with the files: an edited file or a file we do not know stops us here, before
 *    anything was changed.
 * 3. Each missing file, statement by statement. A kill in between leaves the file unrecorded: the next run
 *    repeats all of it, and takes TABLE_ALREADY_EXISTS of a plain CREATE for "done".
 * 4. The file is recorded. Two processes record the same row twice; it replaces itself.
 *
 * ClickHouse has no transactions over DDL, hence the rule for those who write a migration: every statement
 * must be harmless when repeated.
 */
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { WattstreamError } from '../../platform/errors.js';
import { type Migration, readMigrations } from './files.js';
import { render, type Target } from './render.js';
import { splitStatements } from './statements.js';

const TABLE_ALREADY_EXISTS = '57';

interface Landed {
  readonly name: string;
  readonly checksum: string;
}

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS {{database}}.migrations {{on_cluster}}
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = {{replacing}}
ORDER BY (name, checksum)`;

/**
 * The first generation is active from the beginning of time, so that two processes that seed it at once write
 * equal rows, and neither can ever outrank a generation that a person activated meanwhile.
 */
const FIRST_GENERATION = `INSERT INTO {{database}}.generations_rows
SELECT 1, '1', toDateTime64(0, 3, 'UTC'), 'migrate', 'first installation'
WHERE (SELECT count() FROM {{database}}.generations_rows) = 0`;

/** What stands between this code and this database, or undefined. Exported for the `doctor`. */
export function disagreement(
  files: readonly Migration[],
  landed: readonly Landed[],
): WattstreamError | undefined {
  const known = new Map(files.map((file) => [file.name, file.checksum]));
  for (const { name, checksum } of landed) {
    const ours = known.get(name);
    if (ours === undefined)
      return new WattstreamError(
        'DATABASE_NEWER',
        `The database has the migration ${name}, which this version of wattstream does not know`,
        { remedy: 'Run the version that made it, or a newer one; migrations are not undone.' },
      );
    if (ours !== checksum)
      return new WattstreamError('MIGRATION_EDITED', `${name} was edited after the database had taken it`, {
        remedy: 'Restore the file as it was, and put the change into a new migration with the next number.',
      });
  }
  return undefined;
}

/** Migrations recorded in the database, by name. Rejects when it or the table does not exist. */
export async function landedMigrations(client: ClickHouseClient, database: string): Promise<Landed[]> {
  const result = await client.query({
    query: `SELECT DISTINCT name, checksum FROM ${database}.migrations ORDER BY name`,
    format: 'JSONEachRow',
  });
  return result.json<Landed>();
}

/**
 * `applied`: names of the files this call ran. Rejects with MIGRATION_EDITED, DATABASE_NEWER,
 * MIGRATION_FAILED (which file and statement), or the client's error when the database does not answer.
 * `files` is for tests; by default those beside this file.
 */
export async function migrate(
  client: ClickHouseClient,
  target: Target,
  files?: readonly Migration[],
): Promise<{ applied: string[] }> {
  const migrations = files ?? (await readMigrations());
  const run = (query: string) => client.command({ query: render(query, target) });

  await run('CREATE DATABASE IF NOT EXISTS {{database}} {{on_cluster}} ENGINE = Atomic');
  await run(MIGRATIONS_TABLE);

  const landed = await landedMigrations(client, target.database);
  const refusal = disagreement(migrations, landed);
  if (refusal !== undefined) throw refusal;

  const done = new Set(landed.map(({ name }) => name));
  const missing = migrations.filter(({ name }) => !done.has(name));
  for (const migration of missing) {
    for (const statement of splitStatements(migration.text)) await apply(migration.name, run, statement);
    await client.insert({
      table: `${target.database}.migrations`,
      values: [{ name: migration.name, checksum: migration.checksum, applied_at: new Date().toISOString() }],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0, date_time_input_format: 'best_effort' },
    });
  }
  if (migrations.some(({ text }) => text.includes('generations_rows'))) await run(FIRST_GENERATION);
  return { applied: missing.map(({ name }) => name) };
}

async function apply(
  name: string,
  run: (query: string) => Promise<unknown>,
  statement: string,
): Promise<void> {
  try {
    await run(statement);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === TABLE_ALREADY_EXISTS) return;
    const first = statement.replace(/^\s*--.*$/gm, '').trim();
    throw new WattstreamError(
      'MIGRATION_FAILED',
      `${name} failed at '${first.slice(0, 80).replace(/\s+/g, ' ')}': ${message}`,
      {
        cause: error,
        // A connection that went is not the file's fault.
        canRetry: !(error instanceof ClickHouseError),
        remedy: 'Mend the cause and start again: the file is repeated from its first statement.',
      },
    );
  }
}
