import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from '../processes.mjs';

/** @typedef {import('./decide.mjs').Machine} Machine */

/**
 * Looks at this machine. What was given is believed, so nothing else is asked then.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Machine>}
 */
export async function lookAround(env) {
  const given = { amqpUrl: env.RABBITMQ_URL || undefined, streamUrl: env.RABBITMQ_STREAM_URL || undefined };
  const basics = { ...given, uid: process.getuid?.() ?? -1, os: osNames(), docker: false };
  if (given.amqpUrl || given.streamUrl) return basics;
  const [docker, installed, cage] = await Promise.all([dockerAnswers(), findInstalled(env), findCage()]);
  return { ...basics, docker, installed, cage };
}

/** The command alone says nothing: it is often there without an engine behind it. */
async function dockerAnswers() {
  const [info, compose] = await Promise.all([
    run(['docker', 'info', '--format', '{{.ServerVersion}}'], { timeoutMs: 2_000 }),
    run(['docker', 'compose', 'version'], { timeoutMs: 2_000 }),
  ]);
  return info.code === 0 && info.stdout.trim() !== '' && compose.code === 0;
}

/** @returns {Promise<import('./decide.mjs').Cage | undefined>} */
async function findCage() {
  const namespaces = [
    'unshare',
    '--fork',
    '--pid',
    '--mount',
    '--kill-child',
    'mount',
    '--make-rprivate',
    '/',
  ];
  if ((await run(namespaces)).code === 0) return 'namespaces';
  return (await run(['chroot', '/', 'true'])).code === 0 ? 'chroot' : undefined;
}

function osNames() {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    return [...release.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].map((match) => match[1]).join(' ');
  } catch {
    return process.platform;
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function findInstalled(env) {
  // Distributions put a wrapper on the PATH that changes the user; the real script is beside its libraries.
  const folders = ['/usr/lib/rabbitmq/bin', '/opt/rabbitmq/sbin', ...(env.PATH ?? '').split(delimiter)];
  const path = folders.map((folder) => join(folder, 'rabbitmq-server')).find((file) => existsSync(file));
  if (path === undefined) return undefined;
  const version = versionBeside(path) ?? (await askVersion(path));
  return version === undefined ? undefined : { path, version };
}

/**
 * From the folder name `lib/rabbitmq_server-4.0.5`: asking `rabbitmqctl version` boots an Erlang (1-2 s).
 * @param {string} path
 */
function versionBeside(path) {
  try {
    const names = readdirSync(join(path, '../../lib'));
    return names.map((name) => /^rabbitmq_server-(\d[\d.]*)/.exec(name)?.[1]).find((version) => version);
  } catch {
    return /rabbitmq_server-(\d[\d.]*)/.exec(path)?.[1];
  }
}

/** @param {string} path */
async function askVersion(path) {
  const answer = await run([join(path, '../rabbitmqctl'), 'version'], { timeoutMs: 10_000 });
  return answer.code === 0 ? /\d+\.\d+[\d.]*/.exec(answer.stdout)?.[0] : undefined;
}
