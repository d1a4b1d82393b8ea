import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { bindable } from './ports.js';
import { planInstallation, STAGES, STOP_ORDER } from './roles.js';

const plan = (env: NodeJS.ProcessEnv, chargers = 3) => planInstallation({ chargers, speed: undefined, env });
/** Any free ports, so that nothing depends on what this machine runs. */
const anywhere = { WATTSTREAM_INGEST_PORT: '0', WATTSTREAM_API_PORT: '0', CLICKHOUSE_PORT: '0' };

test('every role has its stage to start in, and its turn to stop', async () => {
  const { roles } = await plan(anywhere);
  const names = roles.map((role) => role.name).sort();
  expect(STAGES.flat().sort()).toEqual(names);
  expect([...STOP_ORDER].sort()).toEqual(names);
});

test('whoever has a ClickHouse gets no second one, and no chargers means none', async () => {
  const { roles, addresses } = await plan({ ...anywhere, CLICKHOUSE_URL: 'https://ch.example:8443' }, 0);
  expect(roles.map((role) => role.name)).toEqual(['ingest', 'analytics', 'api']);
  expect(addresses.clickhouse).toBe('https://ch.example:8443');
  for (const role of roles) expect(role.env.CLICKHOUSE_URL).toBe('https://ch.example:8443');
});

test('the simulator drives to where ingest listens, at the speed that was asked for', async () => {
  const { roles, addresses } = await planInstallation({ chargers: 7, speed: 60, env: anywhere });
  const simulator = roles.find((role) => role.name === 'simulator');
  expect(simulator?.args).toEqual(['--chargers', '7', '--url', addresses.ingest, '--speed', '60']);
});

test('what a role may keep of garbage is bounded, unless somebody bounds it himself', async () => {
  const { roles } = await plan({ ...anywhere, NODE_OPTIONS: '--trace-warnings' });
  expect(roles.find((role) => role.name === 'analytics')?.env.NODE_OPTIONS).toBe(
    '--trace-warnings --max-old-space-size=1024',
  );
  const own = await plan({ ...anywhere, NODE_OPTIONS: '--max-old-space-size=4096' });
  expect(own.roles.find((role) => role.name === 'analytics')?.env.NODE_OPTIONS).toBe(
    '--max-old-space-size=4096',
  );
});

test('doors stand open only as long as nobody has said otherwise, and it is told', async () => {
  const open = await plan(anywhere);
  expect(open.roles.find((role) => role.name === 'ingest')?.env).toMatchObject({
    WATTSTREAM_ACCEPT_UNKNOWN: 'true',
    WATTSTREAM_ALLOW_PLAIN: 'true',
  });
  expect(open.roles.find((role) => role.name === 'api')?.env).toMatchObject({ WATTSTREAM_AUTH: 'off' });
  expect(open.remarks.join()).toContain('WATTSTREAM_ACCEPT_UNKNOWN=false');
  expect(open.remarks.join()).toContain('WATTSTREAM_AUTH=required');

  const closed = await plan({
    ...anywhere,
    WATTSTREAM_ACCEPT_UNKNOWN: 'false',
    WATTSTREAM_ALLOW_PLAIN: 'false',
    WATTSTREAM_AUTH: 'required',
  });
  expect(closed.roles.find((role) => role.name === 'ingest')?.env).not.toHaveProperty(
    'WATTSTREAM_ACCEPT_UNKNOWN',
  );
  expect(closed.remarks).toEqual([]);
});

test('an API that others can reach asks who they are, unless somebody says otherwise', async () => {
  for (const env of [{ WATTSTREAM_API_HOST: '0.0.0.0' }, { WATTSTREAM_JWT_SECRET: 'x'.repeat(32) }]) {
    const { roles, remarks } = await plan({ ...anywhere, ...env });
    expect(roles.find((role) => role.name === 'api')?.env).toMatchObject({ WATTSTREAM_AUTH: 'required' });
    expect(remarks.join()).not.toContain('WATTSTREAM_AUTH');
  }
});

test('a standard port that is taken is replaced, told, and everybody hears of the new one', async () => {
  const free = await bindable(8123, '127.0.0.1');
  const squatter = createServer();
  if (free !== undefined) await new Promise<void>((resolve) => squatter.listen(8123, '127.0.0.1', resolve));
  try {
    const { roles, addresses, remarks } = await plan({ ...anywhere, CLICKHOUSE_PORT: '' });
    const port = new URL(addresses.clickhouse).port;
    expect(port).not.toBe('8123');
    expect(remarks).toContain(`port 8123 is taken: using ${port} (CLICKHOUSE_PORT)`);
    expect(roles.find((role) => role.name === 'clickhouse')?.env).toMatchObject({ CLICKHOUSE_PORT: port });
    expect(roles.find((role) => role.name === 'api')?.env.CLICKHOUSE_URL).toBe(addresses.clickhouse);
  } finally {
    squatter.close();
  }
});

test('a port the user set is not', async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const port = String((squatter.address() as AddressInfo).port);
  await expect(plan({ ...anywhere, WATTSTREAM_API_PORT: port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
  });
  squatter.close();
});

test('listening on all interfaces is spoken to on loopback; one address is spoken to at that address', async () => {
  expect((await plan({ ...anywhere, WATTSTREAM_INGEST_HOST: '0.0.0.0' })).addresses.ingest).toMatch(
    /^ws:\/\/127\.0\.0\.1:\d+\/ocpp$/,
  );
  const { addresses } = await plan({ ...anywhere, WATTSTREAM_API_HOST: '127.0.0.2' });
  expect(addresses.api).toMatch(/^http:\/\/127\.0\.0\.2:/);
});

test('a secret that was made for it goes to the API alone, and opens no door by itself', async () => {
  const options = { chargers: 0, speed: undefined, jwtSecret: 'm'.repeat(32) };
  const made = await planInstallation({ ...options, env: anywhere });
  const env = (name: string) => made.roles.find((role) => role.name === name)?.env;
  // On loopback nobody need log in, as before; whoever sets WATTSTREAM_AUTH=required can.
  expect(env('api')).toMatchObject({ WATTSTREAM_AUTH: 'off', WATTSTREAM_JWT_SECRET: options.jwtSecret });
  expect(env('ingest')).not.toHaveProperty('WATTSTREAM_JWT_SECRET');
  // The password of the first admin is told on the terminal, not in the log of a role.
  expect(made.makesAdmin).toBe(true);
  expect(env('api')).toMatchObject({ WATTSTREAM_FIRST_ADMIN: 'false' });

  // With an issuer of one's own nobody is made an admin behind its back.
  const issued = await planInstallation({
    ...options,
    env: { ...anywhere, WATTSTREAM_OIDC_ISSUER: 'https://issuer.example' },
  });
  expect(issued.makesAdmin).toBe(false);
  expect(issued.roles.find((role) => role.name === 'api')?.env).not.toHaveProperty('WATTSTREAM_JWT_SECRET');
});
