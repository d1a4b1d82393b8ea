/**
 * Finds the installation that runs in the data folder (WATTSTREAM_DATA, by default .wattstream here), so that
 * `wattstream sessions` beside `npm start` needs no settings. What the environment says wins.
 *
 * - `rabbitmq/endpoint.json`: a private broker, written by setup/broker for as long as it runs.
 * - `endpoints.json`: addresses of the roles, written by the supervisor for as long as it runs.
 * - `jwt.secret`: what our own tokens are signed with, unless the environment says.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const broker = z.object({ amqp: z.string(), stream: z.string(), management: z.string(), pid: z.int() });
const roles = z.object({ clickhouse: z.string(), api: z.string(), ingest: z.string(), pid: z.int() });

export type Endpoints = Omit<z.infer<typeof roles>, 'pid'>;

export const dataFolder = (env: NodeJS.ProcessEnv): string => resolve(env.WATTSTREAM_DATA || '.wattstream');
const SECRET_FILE = 'jwt.secret';
const endpointsFile = (folder: string): string => join(folder, 'endpoints.json');

/** Undefined when the file is missing, not as expected, or of a process that is gone (kill -9 leaves it). */
function readLiving<T extends { pid: number }>(path: string, shape: z.ZodType<T>): T | undefined {
  try {
    const found = shape.parse(JSON.parse(readFileSync(path, 'utf8')));
    process.kill(found.pid, 0);
    return found;
  } catch {
    return undefined;
  }
}

/** Whole or not at all; returns how to take it away again. */
export function writeEndpoints(folder: string, endpoints: Endpoints, pid = process.pid): () => void {
  mkdirSync(folder, { recursive: true });
  const path = endpointsFile(folder);
  const draft = `${path}.${pid}`;
  writeFileSync(draft, `${JSON.stringify({ ...endpoints, pid }, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
  return () => rmSync(path, { force: true });
}

export const readEndpoints = (env: NodeJS.ProcessEnv): Endpoints | undefined =>
  readLiving(endpointsFile(dataFolder(env)), roles);

/**
 * The secret of our own tokens that this data folder has: made at the first call, for its owner's eyes alone (0600), and the
 * same ever after, so that logins outlive a restart.
 */
export function ensureJwtSecret(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, SECRET_FILE);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path); // Whole or not at all, and only where there is none.
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}

function readJwtSecret(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, SECRET_FILE), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The environment with the private broker's addresses, unless it names a broker itself. */
export function withLocalBroker(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (env.RABBITMQ_URL || env.RABBITMQ_STREAM_URL) return env;
  const found = readLiving(join(dataFolder(env), 'rabbitmq', 'endpoint.json'), broker);
  if (found === undefined) return env;
  return {
    ...env,
    RABBITMQ_URL: found.amqp,
    RABBITMQ_STREAM_URL: found.stream,
    RABBITMQ_MANAGEMENT_URL: env.RABBITMQ_MANAGEMENT_URL || found.management,
  };
}

/** And with the database of the running roles, and the secret of their tokens, unless it names them itself. */
export function withLocalInstallation(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = env.WATTSTREAM_JWT_SECRET ? undefined : readJwtSecret(dataFolder(env));
  const local = withLocalBroker(env);
  const completed = secret === undefined ? local : { ...local, WATTSTREAM_JWT_SECRET: secret };
  const found = env.CLICKHOUSE_URL ? undefined : readEndpoints(env);
  return found === undefined ? completed : { ...completed, CLICKHOUSE_URL: found.clickhouse };
}
