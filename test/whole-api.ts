/** An api with every route there is, in process, and what each was declared with; behind the routes there is nothing. */
import type { RouteOptions } from 'fastify';
import { QUERIES } from '../src/analytics/queries/registry.js';
import { buildApp } from '../src/api/app.js';
import { createAccounts } from '../src/api/auth/accounts.js';
import { type Authentication, authenticationBy } from '../src/api/auth/authenticator.js';
import { ownTokens } from '../src/api/auth/jwt.js';
import type { CommandService } from '../src/api/commands/service.js';
import { secretKeeper } from '../src/api/webhooks/secret.js';
import { readSettings } from '../src/platform/config.js';
import { WattstreamError } from '../src/platform/errors.js';
import { silentLogger } from '../src/platform/logger.js';
import { Registry } from '../src/platform/metrics.js';
import { createMemoryDeadLetters } from '../src/queues/memory/dead-letters.js';
import { fakeLoginStore, fakeStore } from '../src/registry/testing/fakes.js';

const SECRET = 'a secret of more than thirty-two bytes';
const nothing = async (): Promise<never> => {
  throw new WattstreamError('NOT_FOUND', 'There is nothing.');
};
const away = async (): Promise<never> => {
  throw new WattstreamError('BROKER_UNREACHABLE', 'There is none here.', { canRetry: true });
};

/** Its own tokens are signed with this. */
export { SECRET };

export interface WholeApiOptions {
  /** Default: asked for, by the registry's proofs and tokens of ours. */
  readonly authentication?: Authentication;
  readonly stationOf?: (chargePointId: string) => string | undefined;
}

export async function wholeApi({ authentication, stationOf = () => undefined }: WholeApiOptions = {}) {
  const routes: RouteOptions[] = [];
  const { store } = fakeStore();
  const { store: loginStore } = fakeLoginStore();
  const accounts = createAccounts({
    settings: readSettings({ WATTSTREAM_JWT_SECRET: SECRET }),
    store,
    loginStore,
    publisher: { publishChargingEvent: async () => {} },
    now: Date.now,
    log: silentLogger,
  });
  const app = await buildApp({
    queries: {
      list: () => QUERIES,
      ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
      ping: async () => {},
    },
    inspector: { bounds: async () => [] },
    registry: store,
    webhooks: {
      store,
      keeper: secretKeeper(undefined),
      allowHttp: false,
      max: 1,
      rotationMs: 0,
      now: Date.now,
      recent: () => [],
      tryOut: async () => ({ outcome: 'failed', status: null, detail: '', elapsedMs: 0 }),
      removed: async () => {},
    },
    deadLetters: createMemoryDeadLetters([]),
    points: { rotations: { begin: nothing }, lists: { show: nothing, push: nothing } },
    commands: {
      commands: { start: away, find: async () => undefined, recent: () => [] } as unknown as CommandService,
      stationOf,
    },
    charging: {
      service: { start: nothing, stop: nothing, find: nothing },
      sessions: { list: async () => ({ sessions: [], nextCursor: null }), one: nothing },
      receipts: { receipt: nothing },
      stations: { find: async () => ({ stations: [], nextCursor: null }) },
    },
    erasure: { store, desk: { erase: nothing } },
    health: { ready: () => undefined },
    ...(accounts.routes === undefined ? {} : { accounts: accounts.routes }),
    access: {
      authentication:
        authentication ?? accounts.confirm(authenticationBy([...accounts.authenticators, ownTokens(SECRET)])),
      stationOf,
      hosts: [],
    },
    metrics: new Registry(),
    log: silentLogger,
    docsPage: false,
    onRoute: (route) => void routes.push(route),
  });
  app.server.once('close', () => {
    void store.replica.close();
    void loginStore.replica.close();
  });
  await Promise.all([store.replica.level, loginStore.replica.level]);
  return { app, routes, store };
}
