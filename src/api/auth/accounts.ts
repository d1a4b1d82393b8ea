/** Logins, keys and their routes, put together out of the settings and the registry. */
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { LoginStore } from '../../registry/logins.js';
import { PersonsPasswords } from '../../registry/people.js';
import type { RegistryStore } from '../../registry/store.js';
import type { AuthRouteOptions } from '../routes/auth.js';
import { Attempts } from './attempts.js';
import { auditTo, emailHasher } from './audit.js';
import type { Authentication, Authenticator } from './authenticator.js';
import { apiKeys, watchKeys } from './keys.js';
import { Known } from './known.js';
import { LoginService } from './login.js';
import { loginTokens } from './login-tokens.js';
import { Logins } from './logins.js';
import type { Principal } from './principal.js';
import { confirmed, loginAccess, type RegisteredOptions } from './registered.js';

export type AccountSettings = Pick<
  Settings,
  | 'WATTSTREAM_JWT_SECRET'
  | 'WATTSTREAM_ACCESS_MINUTES'
  | 'WATTSTREAM_LOGIN_DAYS'
  | 'WATTSTREAM_REFRESH_LEEWAY_SECONDS'
  | 'WATTSTREAM_LOGIN_ATTEMPTS'
  | 'WATTSTREAM_LOGIN_LOCK_SECONDS'
  | 'WATTSTREAM_API_KEYS_MAX'
>;

export interface AccountsOptions {
  readonly settings: AccountSettings;
  readonly store: RegistryStore;
  /** Without it, or without a secret, nobody logs in here. */
  readonly loginStore?: LoginStore;
  readonly publisher: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly now: () => number;
  readonly log: Logger;
}

export interface Accounts {
  /** For the list of those who judge tokens. */
  readonly authenticators: readonly Authenticator[];
  /** What the list amounts to, with what the registry has to say. */
  confirm(authentication: Authentication): Authentication;
  /** Absent without a secret: whoever has an issuer only logs in there. */
  readonly routes?: AuthRouteOptions;
  /** Hears of everybody who came in. */
  readonly onAdmitted: (principal: Principal, address: string) => void;
}

export function createAccounts({
  settings,
  store,
  loginStore,
  publisher,
  now,
  log,
}: AccountsOptions): Accounts {
  const secret = settings.WATTSTREAM_JWT_SECRET;
  const known = new Known(store.replica);
  const logins =
    loginStore === undefined
      ? undefined
      : new Logins({
          store: loginStore,
          known,
          days: settings.WATTSTREAM_LOGIN_DAYS,
          leewayMs: settings.WATTSTREAM_REFRESH_LEEWAY_SECONDS * 1_000,
          now,
        });
  const audit = auditTo({ publisher, now, log });
  const registered: RegisteredOptions = { known, now, ...(logins === undefined ? {} : { logins }) };
  const common = {
    confirm: (authentication: Authentication) =>
      authentication.mode === 'off' ? authentication : confirmed(authentication, registered),
    onAdmitted: watchKeys(audit, now),
  };
  if (secret === undefined || logins === undefined)
    return { ...common, authenticators: [apiKeys(registered)] };
  const tokens = loginTokens(secret, settings.WATTSTREAM_ACCESS_MINUTES);
  const service = new LoginService({
    store,
    known,
    logins,
    tokens,
    passwords: new PersonsPasswords(),
    attempts: new Attempts({
      free: settings.WATTSTREAM_LOGIN_ATTEMPTS,
      longestMs: settings.WATTSTREAM_LOGIN_LOCK_SECONDS * 1_000,
      now,
    }),
    audit,
    hashEmail: emailHasher(secret),
    now,
  });
  return {
    ...common,
    authenticators: [apiKeys(registered), loginAccess(tokens, { ...registered, logins })],
    routes: { store, known, logins: service, maxKeys: settings.WATTSTREAM_API_KEYS_MAX, now },
  };
}
