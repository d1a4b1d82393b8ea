import { createHash, timingSafeEqual } from 'node:crypto';
import { ClickHouseException } from '../protocol/errors.js';

export interface User {
  readonly name: string;
  /** Settings every query of the user runs under. */
  readonly profile: Readonly<Record<string, string>>;
  /** May only read, and only what the guard lets pass. */
  readonly guarded: boolean;
}

export interface AnalystLimits {
  readonly seconds: number;
  readonly memoryBytes: number;
  readonly resultRows: number;
  readonly resultBytes: number;
}

export class Users {
  private readonly known: ReadonlyMap<string, { user: User; digest: Buffer; open: boolean }>;

  constructor(options: { passwords: { default: string; analyst: string }; analyst: AnalystLimits }) {
    const { passwords, analyst } = options;
    const entry = (user: User, password: string) =>
      [user.name, { user, digest: digest(password), open: password === '' }] as const;
    this.known = new Map([
      entry({ name: 'default', profile: {}, guarded: false }, passwords.default),
      entry({ name: 'analyst', profile: analystProfile(analyst), guarded: true }, passwords.analyst),
    ]);
  }

  /** Throws AUTHENTICATION_FAILED (516), with the same words for an unknown user and a wrong password. */
  admit(credentials: { user: string; password: string }): User {
    const found = this.known.get(credentials.user);
    const right = timingSafeEqual(digest(credentials.password), found?.digest ?? digest('\0nobody'));
    // A user without a password is let in whatever password is given, as ClickHouse's no_password does.
    if (found !== undefined && (right || found.open)) return found.user;
    throw ClickHouseException.of(
      'AUTHENTICATION_FAILED',
      `${credentials.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
    );
  }
}

const digest = (password: string) => createHash('sha256').update(password).digest();

const analystProfile = (limits: AnalystLimits): Record<string, string> => ({
  // The views know by it that tokens are not for this user.
  workload: 'analyst',
  max_execution_time: String(limits.seconds),
  timeout_overflow_mode: 'throw',
  max_memory_usage: String(limits.memoryBytes),
  max_bytes_before_external_group_by: '0',
  max_bytes_before_external_sort: '0',
  max_bytes_ratio_before_external_group_by: '0',
  max_bytes_ratio_before_external_sort: '0',
  max_result_rows: String(limits.resultRows),
  max_result_bytes: String(limits.resultBytes),
  result_overflow_mode: 'throw',
  max_ast_elements: '20000',
  max_expanded_ast_elements: '100000',
  max_subquery_depth: '30',
  allow_ddl: '0',
  allow_introspection_functions: '0',
});
