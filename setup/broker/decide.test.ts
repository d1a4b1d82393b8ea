import { expect, test } from '@jest/globals';
import { decideBroker, isAtLeast } from './decide.mjs';

const bare = { docker: false, uid: 1000, os: 'fedora rhel' };
const rootOnDebian = { docker: false, uid: 0, os: 'debian', cage: 'namespaces' as const };

test('an address that was given is used, whatever else there is', () => {
  const rich = { ...rootOnDebian, docker: true };
  expect(decideBroker({ ...rich, amqpUrl: 'amqp://broker' }).way).toBe('given');
  expect(decideBroker({ ...rich, streamUrl: 'rabbitmq-stream://broker' }).way).toBe('given');
});

test('then a Docker engine, then an installed RabbitMQ, then a Debian root', () => {
  const installed = { path: '/usr/sbin/rabbitmq-server', version: '4.1.0' };
  expect(decideBroker({ ...rootOnDebian, docker: true, installed }).way).toBe('docker');
  expect(decideBroker({ ...rootOnDebian, installed })).toEqual({ way: 'installed', ...installed });
  expect(decideBroker(rootOnDebian).way).toBe('trixie');
  expect(decideBroker({ ...rootOnDebian, os: 'ubuntu debian' }).way).toBe('trixie');
  expect(decideBroker({ ...rootOnDebian, cage: 'chroot' })).toEqual({ way: 'trixie', cage: 'chroot' });
});

test('an installed RabbitMQ without single active consumers on streams is passed over', () => {
  const installed = { path: '/usr/sbin/rabbitmq-server', version: '3.10.8' };
  expect(decideBroker({ ...rootOnDebian, installed }).way).toBe('trixie');
  const none = decideBroker({ ...bare, installed });
  expect(none).toMatchObject({ way: 'none', message: expect.stringContaining('3.10.8, older than 3.13') });
});

test.each([
  ['an ordinary user on Debian', { ...rootOnDebian, uid: 1000 }, 'not root'],
  ['another distribution', { ...rootOnDebian, os: 'fedora rhel' }, 'neither Debian nor Ubuntu'],
  ['a container that may not even chroot', { ...rootOnDebian, cage: undefined }, 'CAP_SYS_CHROOT'],
])('%s is told why there is no broker, and the four ways to one', (_who, machine, reason) => {
  const decision = decideBroker(machine);
  if (decision.way !== 'none') throw new Error(`decided ${decision.way}`);
  expect(decision.message).toContain(reason);
  for (const way of ['RABBITMQ_URL=', 'Docker engine', 'install rabbitmq-server', 'as root']) {
    expect(decision.remedy).toContain(way);
  }
});

test('versions are compared by number, not by text', () => {
  expect(isAtLeast('3.13.7', '3.13')).toBe(true);
  expect(isAtLeast('4.0.5-6+deb13u1', '3.13')).toBe(true);
  expect(isAtLeast('3.9.13', '3.13')).toBe(false);
  expect(isAtLeast('3.12.99', '3.13')).toBe(false);
});
