import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { waitForLock } from '../lock.mjs';
import { leashPrefix, run } from '../processes.mjs';
import { Problem } from '../say.mjs';

/**
 * A Debian 13 with RabbitMQ 4 in a folder (about 280 MB), for machines whose own RabbitMQ is missing or too
 * old. Made once, used by every checkout of this user.
 * @param {NodeJS.ProcessEnv} env
 */
export const trixieRoot = (env) =>
  join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'wattstream', 'rabbitmq-trixie');

const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Gives the root, making it first where it is missing. It is made under another name and renamed when
 * whole, so that what stands under the name can be relied on; a lock keeps a second process from making
 * another.
 * @param {{ env: NodeJS.ProcessEnv, say: import('../say.mjs').Say }} options
 * @returns {Promise<string>}
 */
export async function ensureTrixie({ env, say }) {
  const root = trixieRoot(env);
  if (isWhole(root)) return root;
  const lock = await waitForLock(`${root}.lock`, (owner) =>
    say.line(`… process ${owner.pid} is making ${root}; waiting for it`),
  );
  try {
    if (!isWhole(root)) {
      await say.step(
        'RabbitMQ installed',
        () => make(root, env, say),
        `a private Debian 13 in ${root}, once, about half a minute`,
      );
    }
    return root;
  } finally {
    lock.release();
  }
}

/** @param {string} root */
const isWhole = (root) =>
  existsSync(join(root, 'usr/lib/rabbitmq/bin/rabbitmq-server')) && existsSync(join(root, 'wattstream'));

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {import('../say.mjs').Say} say
 */
async function make(root, env, say) {
  await ensureDebootstrap(say);
  const parent = join(root, '..');
  mkdirSync(parent, { recursive: true });
  // Half-made roots of processes that were killed; we hold the lock, so nobody is working on them.
  for (const name of readdirSync(parent)) {
    if (name.startsWith('rabbitmq-trixie.making-'))
      rmSync(join(parent, name), { recursive: true, force: true });
  }
  const making = `${root}.making-${process.pid}`;
  try {
    // The first stage alone: it fetches and checks everything. Unpacking is all that RabbitMQ and Erlang
    // need beyond it; configuring 114 packages would take longer, and mounts that not every container allows.
    await must('debootstrap', [
      ...leashPrefix(),
      ...['debootstrap', '--foreign', '--variant=minbase', '--include=rabbitmq-server'],
      ...(existsSync(KEYRING) ? [`--keyring=${KEYRING}`] : []),
      // The script's name is given because older releases of debootstrap do not know trixie.
      ...['trixie', making, env.WATTSTREAM_DEBIAN_MIRROR || MIRROR, '/usr/share/debootstrap/scripts/sid'],
    ]);
    const archives = join(making, 'var/cache/apt/archives');
    for (const name of readdirSync(archives).filter((one) => one.endsWith('.deb'))) {
      await must('dpkg-deb', ['dpkg-deb', '-x', join(archives, name), making]);
    }
    // What the configuring would have left: users, and a hosts file (Erlang resolves `localhost`).
    for (const name of ['passwd', 'group']) {
      copyFileSync(join(making, `usr/share/base-passwd/${name}.master`), join(making, 'etc', name));
    }
    writeFileSync(join(making, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
    mkdirSync(join(making, 'wattstream'), { recursive: true });
    for (const done of [archives, join(making, 'debootstrap')])
      rmSync(done, { recursive: true, force: true });
    renameSync(making, root);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
}

/**
 * @param {string} what
 * @param {readonly string[]} command
 */
async function must(what, command) {
  const done = await run(command, {
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (done.code === 0) return;
  const reason = (done.stdout + done.stderr).trim().split('\n').slice(-4).join('\n  ');
  throw new Problem(
    `${what} failed while making a private Debian 13:\n  ${reason}`,
    'Is the Debian mirror reachable? WATTSTREAM_DEBIAN_MIRROR names another; http_proxy is honoured. Or set RABBITMQ_URL.',
  );
}

/** @param {import('../say.mjs').Say} say */
async function ensureDebootstrap(say) {
  if ((await run(['debootstrap', '--version'])).code === 0) return;
  say.line('… installing the package debootstrap (apt-get)');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run(
      ['apt-get', 'install', '-y', '-q', '--no-install-recommends', 'debootstrap', 'debian-archive-keyring'],
      { env },
    );
  let installed = await install();
  if (installed.code !== 0) {
    await run(['apt-get', 'update', '-q'], { env });
    installed = await install();
  }
  if (installed.code !== 0) {
    throw new Problem(
      `apt-get could not install debootstrap:\n  ${installed.stderr.trim().split('\n').slice(-3).join('\n  ')}`,
      'Install the package debootstrap by hand, or set RABBITMQ_URL.',
    );
  }
}
