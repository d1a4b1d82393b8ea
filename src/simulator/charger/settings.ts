/** What a server may change in a charger; both versions' keys lead here. */
export interface Settings {
  heartbeatSeconds: number;
  sampleSeconds: number;
  /** OCPP 1.6, 9.1.27 TransactionMessageAttempts; 2.0.1 MessageAttempts[TransactionEvent]. */
  attempts: number;
  /** OCPP 1.6, 9.1.28 TransactionMessageRetryInterval; 2.0.1 MessageAttemptInterval[TransactionEvent]. */
  retrySeconds: number;
  authorizeRemote: boolean;
  /** Effective from the next connection on (OCPP 1.6 security whitepaper, A01). */
  password: Buffer | undefined;
}

/** One key of the server's vocabulary. */
export interface Key {
  readonly name: string;
  /** Absent: write-only. */
  readonly read?: (settings: Settings) => string;
  /** Absent: read-only. Returns false when the value makes no sense. */
  readonly write?: (settings: Settings, value: string) => boolean;
}

type Numeric = 'heartbeatSeconds' | 'sampleSeconds' | 'attempts' | 'retrySeconds';

export const numberKey = (name: string, field: Numeric, least = 0): Key => ({
  name,
  read: (settings) => String(settings[field]),
  write: (settings, value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least) return false;
    settings[field] = number;
    return true;
  },
});

export const switchKey = (name: string, field: 'authorizeRemote'): Key => ({
  name,
  read: (settings) => String(settings[field]),
  write: (settings, value) => {
    if (!/^(true|false)$/i.test(value)) return false;
    settings[field] = value.toLowerCase() === 'true';
    return true;
  },
});

export const passwordKey = (name: string, valid: RegExp, encoding: 'hex' | 'utf8'): Key => ({
  name,
  write: (settings, value) => {
    if (!valid.test(value)) return false;
    settings.password = Buffer.from(value, encoding);
    return true;
  },
});
