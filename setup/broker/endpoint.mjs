import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { born } from '../lock.mjs';

/**
 * `endpoint.json` in the broker's data folder says where a private node answers, for as long as it runs.
 *
 * @typedef {object} Endpoint
 * @property {string} amqp amqp://user:password@host:port
 * @property {string} stream rabbitmq-stream://user:password@host:port
 * @property {string} management http://host:port, without credentials (fetch refuses URLs with them)
 * @property {number} pid
 * @property {string} born start time of that process, so that a reused pid is not taken for it
 */

/** @param {string} dataDir */
const fileOf = (dataDir) => join(dataDir, 'endpoint.json');

/**
 * @param {string} dataDir
 * @param {Endpoint} endpoint
 */
export function writeEndpoint(dataDir, endpoint) {
  mkdirSync(dataDir, { recursive: true });
  // Readers see the whole file or none.
  const draft = `${fileOf(dataDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(endpoint, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, fileOf(dataDir));
}

/** @param {string} dataDir */
export const removeEndpoint = (dataDir) => rmSync(fileOf(dataDir), { force: true });

/**
 * @param {string} dataDir
 * @returns {Endpoint | undefined} undefined also when the process it names is gone
 */
export function readEndpoint(dataDir) {
  try {
    const endpoint = JSON.parse(readFileSync(fileOf(dataDir), 'utf8'));
    const whole = ['amqp', 'stream', 'management', 'born'].every((key) => typeof endpoint[key] === 'string');
    return whole && born(endpoint.pid) === endpoint.born ? endpoint : undefined;
  } catch {
    return undefined;
  }
}
