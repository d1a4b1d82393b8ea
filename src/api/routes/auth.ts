/** Logins, who one is, and keys of programs. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { instant } from '../../domain/registry/shape.js';
import { isLive, type Live, mapOf } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';
import { PUBLIC, SIGNED_IN } from '../auth/access.js';
import { isWithin, makeKey, stationsOf } from '../auth/keys.js';
import type { Known } from '../auth/known.js';
import type { LoginService } from '../auth/login.js';
import { loginCookie, noLoginCookie, refreshTokenIn, refuseForeignPages } from '../auth/login-cookie.js';
import type { LoginTokens } from '../auth/login-tokens.js';
import { type Principal, ROLES } from '../auth/principal.js';
import { addressOf } from '../auth/rates.js';

export interface AuthRouteOptions {
  readonly store: RegistryStore;
  readonly known: Known;
  readonly logins: LoginService;
  /** Keys per account. */
  readonly maxKeys: number;
  readonly now: () => number;
}

const tokens = z.object({
  accessToken: z.string().describe('Authorization: Bearer <accessToken>'),
  refreshToken: z
    .string()
    .optional()
    .describe(
      'Absent when it went into a cookie. Good once, for the next pair: ask one at a time. Where the answer got lost, ask again with the same one within seconds (WATTSTREAM_REFRESH_LEEWAY_SECONDS); later it ends the login',
    ),
  tokenType: z.literal('Bearer'),
  expiresIn: z.int().describe('Seconds for which the access token holds'),
});
const password = z.string().min(12).max(200);
const email = z.string().min(1).max(254);
const inCookie = z
  .literal(true)
  .optional()
  .describe(
    'For web pages: the refresh token is in a cookie that no script can read (HttpOnly, SameSite=Strict)',
  );
const refreshBody = z
  .strictObject({ refreshToken: z.string().min(1).max(2_000).optional(), cookie: inCookie })
  .refine(({ refreshToken, cookie }) => (refreshToken === undefined) === (cookie === true), {
    path: ['refreshToken'],
    message: 'is needed, or `cookie: true`',
  })
  .meta({ examples: [{ refreshToken: 'eyJ...' }, { cookie: true }] });
type RefreshBody = z.infer<typeof refreshBody>;

const me = z.object({
  id: z.string().describe('Stands as actor in the record of what you do'),
  role: z.enum(ROLES),
  accountId: z.string().nullable(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  stations: z.array(z.string()).nullable().describe('null: all'),
  by: z.enum(['login', 'key', 'token', 'nobody']).describe('What proved it; nobody: authentication is off'),
  expiresAt: z.string().nullable(),
});

const keyShown = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('How the key begins'),
  accountId: z.string(),
  role: z.enum(ROLES),
  stations: z.array(z.string()).nullable().describe('null: all'),
  expiresAt: z.string().nullable(),
  createdAt: z.string(),
  createdBy: z.string(),
});
const keyWanted = z
  .strictObject({
    name: z.string().min(1).max(255),
    role: z.enum(ROLES).optional().describe('At most what the account may. Default: as the account'),
    stations: z.array(z.string().min(1).max(64)).max(1_000).optional().describe('Restricted to these'),
    expiresAt: instant.optional(),
    accountId: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe("Another's account: for admins. Default: one's own"),
  })
  .meta({ examples: [{ name: 'Billing export', role: 'analyst', expiresAt: '2027-01-01T00:00:00Z' }] });

export function authRoutes(app: FastifyInstance, options: AuthRouteOptions): void {
  const { logins } = options;
  const tags = ['auth'];
  const answer = ({ accessToken, refreshToken, expiresIn }: LoginTokens) => ({
    accessToken,
    refreshToken,
    expiresIn,
    tokenType: 'Bearer' as const,
  });
  /** The refresh token where the caller wants it. */
  const handOver = (request: FastifyRequest, reply: FastifyReply, made: LoginTokens, cookie = false) => {
    if (!cookie) return answer(made);
    reply.header('set-cookie', loginCookie(request, made.refreshToken, made.endsAt, options.now()));
    const { refreshToken: _, ...shown } = answer(made);
    return shown;
  };
  const tokenOf = (request: FastifyRequest, { refreshToken }: RefreshBody): string => {
    if (refreshToken !== undefined) return refreshToken;
    refuseForeignPages(request);
    const token = refreshTokenIn(request);
    if (token !== undefined) return token;
    throw new WattstreamError('UNAUTHENTICATED', 'Nobody is logged in in this browser.', {
      remedy: 'Log in.',
    });
  };

  app.post<{ Body: { email: string; password: string; cookie?: true } }>(
    '/api/auth/login',
    {
      config: { access: PUBLIC, rate: 'login' },
      schema: {
        tags,
        security: [],
        summary: 'Logs in with e-mail address and password',
        description:
          'What was wrong is never said. After some failures it takes longer and longer (429, Retry-After).',
        body: z
          .strictObject({ email, password: z.string().min(1).max(200), cookie: inCookie })
          .meta({ examples: [{ email: 'eve@example.com', password: 'correct horse battery' }] }),
        response: { 200: tokens },
      },
    },
    async (request, reply) => {
      const { email: address, password: given, cookie } = request.body;
      if (cookie) refuseForeignPages(request);
      return handOver(request, reply, await logins.login(address, given, addressOf(request)), cookie);
    },
  );

  app.post<{ Body: RefreshBody }>(
    '/api/auth/refresh',
    {
      config: { access: PUBLIC, rate: 'login' },
      schema: {
        tags,
        security: [],
        summary: 'Goes on with a login: the refresh token for a new pair',
        body: refreshBody,
        response: { 200: tokens },
      },
    },
    async (request, reply) => {
      const { body } = request;
      try {
        const made = await logins.refresh(tokenOf(request, body), addressOf(request));
        return handOver(request, reply, made, body.cookie);
      } catch (error) {
        if (body.cookie && isOver(error)) reply.header('set-cookie', noLoginCookie(request));
        throw error;
      }
    },
  );

  app.post<{ Body: RefreshBody }>(
    '/api/auth/logout',
    {
      config: { access: PUBLIC, rate: 'login' },
      schema: {
        tags,
        security: [],
        summary: 'Ends a login at once, its access tokens included',
        body: refreshBody,
        response: { 204: z.null().describe('It is over') },
      },
    },
    async (request, reply) => {
      const { body } = request;
      try {
        await logins.logout(tokenOf(request, body), addressOf(request));
      } catch (error) {
        if (!body.cookie || !isOver(error)) throw error;
      }
      if (body.cookie) reply.header('set-cookie', noLoginCookie(request));
      return reply.code(204).send();
    },
  );

  app.get(
    '/api/auth/me',
    {
      config: { access: SIGNED_IN },
      schema: { tags, summary: 'Who you are, and what you may', response: { 200: me } },
    },
    (request) => whoIs(request, options.store),
  );

  app.post<{ Body: { currentPassword: string; newPassword: string } }>(
    '/api/auth/password',
    {
      config: { access: SIGNED_IN, rate: 'login' },
      schema: {
        tags,
        summary: "Changes one's own password: every login ends, and a new one begins",
        body: z.strictObject({ currentPassword: z.string().min(1).max(200), newPassword: password }),
        response: { 200: tokens },
      },
    },
    async (request) => {
      const { currentPassword: current, newPassword: next } = request.body;
      return answer(await logins.changePassword(request.principal, { current, next }, addressOf(request)));
    },
  );

  keyRoutes(app, options, tags);
}

/** Whoever comes with this token again gets no further. */
const isOver = (error: unknown): boolean =>
  error instanceof WattstreamError && (error.code === 'UNAUTHENTICATED' || error.code.startsWith('TOKEN_'));

async function whoIs({ principal }: FastifyRequest, store: RegistryStore): Promise<z.infer<typeof me>> {
  const { id, role, accountId, stations, by, expiresAt } = principal;
  const account = accountId === undefined ? undefined : (await store.get('account', accountId))?.state;
  return {
    id,
    role,
    accountId: accountId ?? null,
    name: account?.name ?? null,
    email: account?.email ?? null,
    stations: stations === null ? null : [...stations],
    by: by?.kind ?? (id === 'anonymous' ? 'nobody' : 'token'),
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
}

function keyRoutes(
  app: FastifyInstance,
  { store, known, maxKeys, now }: AuthRouteOptions,
  tags: string[],
): void {
  const shown = ({ state, createdAt, actor, past }: Live<'api-key'>): z.infer<typeof keyShown> => {
    const account = known.get('account', state.account)?.state;
    const stations = account === undefined ? (state.stations ?? null) : stationsOf(account, state);
    return {
      id: state.id,
      name: state.name,
      prefix: state.prefix ?? '',
      accountId: state.account,
      role: state.role ?? account?.role ?? 'customer',
      stations: stations === null ? null : [...stations],
      expiresAt: state.expiresAt ?? null,
      createdAt,
      createdBy: past[0]?.actor ?? actor,
    };
  };
  const mayManage = ({ role, accountId, stations }: Principal, key: Live<'api-key'>): boolean =>
    (role === 'admin' && stations === null) || key.state.account === accountId;
  const keysOf = (admits: (key: Live<'api-key'>) => boolean): Live<'api-key'>[] =>
    [...mapOf(store.replica.state, 'api-key').values()]
      .filter((key): key is Live<'api-key'> => isLive(key))
      .filter(admits);

  app.post<{ Body: z.infer<typeof keyWanted> }>(
    '/api/auth/keys',
    {
      config: { access: SIGNED_IN, rate: 'login' },
      schema: {
        tags,
        summary: 'Makes a key for a program; this answer is the only one that has it',
        body: keyWanted,
        response: { 201: keyShown.extend({ key: z.string().describe('Authorization: Bearer <key>') }) },
      },
    },
    async (request, reply) => {
      known.refuseUnready();
      const { principal, body } = request;
      refuseKeys(principal);
      const account = accountFor(principal, body.accountId, known);
      const { role = account.role, stations, expiresAt, name } = body;
      if (!isWithin(role, account.role))
        throw new WattstreamError(
          'KEY_TOO_FAR',
          `A key of an account with the role ${account.role} cannot have the role ${role}.`,
        );
      if (expiresAt !== undefined && Date.parse(expiresAt) <= now())
        throw new WattstreamError('KEY_TOO_FAR', 'It would have expired before it was made.');
      if (keysOf(({ state }) => state.account === account.id).length >= maxKeys)
        throw new WattstreamError('KEYS_TOO_MANY', `The account has ${maxKeys} keys already.`, {
          remedy: 'Delete one, or raise WATTSTREAM_API_KEYS_MAX.',
        });
      // Whoever is restricted themselves hands on no more than that, whatever the account may.
      const within = principal.stations === null ? stations : narrowed(stations, principal.stations);
      const { id, key, prefix, keyHash } = makeKey();
      const made = await store.propose({
        kind: 'api-key',
        id,
        change: 'created',
        state: {
          id,
          name,
          account: account.id,
          role,
          prefix,
          keyHash,
          disabled: false,
          ...(within === undefined ? {} : { stations: [...within] }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        },
        actor: principal.id,
      });
      reply.code(201).header('location', `/api/auth/keys/${id}`);
      return { ...shown(made as Live<'api-key'>), key };
    },
  );

  app.get(
    '/api/auth/keys',
    {
      config: { access: SIGNED_IN },
      schema: {
        tags,
        summary: "One's own keys; admins see all",
        response: { 200: z.object({ keys: z.array(keyShown) }) },
      },
    },
    async ({ principal }) => {
      known.refuseUnready();
      return { keys: keysOf((key) => mayManage(principal, key)).map(shown) };
    },
  );

  app.delete<{ Params: { keyId: string } }>(
    '/api/auth/keys/:keyId',
    {
      config: { access: SIGNED_IN },
      schema: {
        tags,
        summary: 'Ends a key, at once',
        params: z.object({ keyId: z.string().min(1).max(64) }),
        response: { 204: z.null().describe('It opens nothing any more') },
      },
    },
    async ({ principal, params }, reply) => {
      known.refuseUnready();
      const found = known.get('api-key', params.keyId);
      // Another's is as unknown as none: ids are not to be tried out.
      if (found === undefined || !mayManage(principal, found))
        throw new WattstreamError('KEY_UNKNOWN', 'There is no such key of yours.');
      refuseKeys(principal);
      await store.propose({
        kind: 'api-key',
        id: found.id,
        change: 'deleted',
        state: null,
        version: found.version,
        actor: principal.id,
      });
      return reply.code(204).send();
    },
  );
}

/** A key that got lost must not be able to make others that outlive it. */
function refuseKeys({ by }: Principal): void {
  if (by?.kind === 'key')
    throw new WattstreamError('LOGIN_NEEDED', 'Keys are not managed with a key.', {
      remedy: 'Log in: POST /api/auth/login.',
    });
}

/** Throws NO_ACCOUNT, FORBIDDEN. */
function accountFor(principal: Principal, wanted: string | undefined, known: Known) {
  const id = wanted ?? principal.accountId;
  const isOwn = id !== undefined && id === principal.accountId;
  if (!isOwn && id !== undefined && (principal.role !== 'admin' || principal.stations !== null))
    throw new WattstreamError('FORBIDDEN', "Keys for another's account are made by admins.");
  const account = id === undefined ? undefined : known.openAccount(id)?.state;
  if (account === undefined)
    throw new WattstreamError(
      'NO_ACCOUNT',
      id === undefined ? 'You have no account here.' : `There is no open account '${id}'.`,
      { remedy: 'Name one as `accountId`; POST /api/cms/accounts makes one.' },
    );
  // A token may stand for less than its account.
  if (isOwn && !isWithin(account.role, principal.role))
    throw new WattstreamError('FORBIDDEN', 'You are here with less than your account may.');
  return account;
}

const narrowed = (wanted: readonly string[] | undefined, to: readonly string[]): readonly string[] =>
  wanted === undefined ? to : wanted.filter((one) => to.includes(one));
