/** What can be said of a token (2.x Part 2, AuthorizationStatusEnumType), and how 1.6 says it. */
export const AUTH_STATUSES = [
  'Accepted',
  'Blocked',
  'ConcurrentTx',
  'Expired',
  'Invalid',
  'NoCredit',
  'NotAllowedTypeEVSE',
  'NotAtThisLocation',
  'NotAtThisTime',
  'Unknown',
] as const;
export type AuthStatus = (typeof AUTH_STATUSES)[number];

export type AuthStatus16 = 'Accepted' | 'Blocked' | 'Expired' | 'Invalid' | 'ConcurrentTx';

/** 1.6 section 7.2: Invalid is "unknown"; Blocked is "not allowed for charging", for whatever reason. */
export function authStatus16(status: AuthStatus): AuthStatus16 {
  switch (status) {
    case 'Accepted':
    case 'Blocked':
    case 'ConcurrentTx':
    case 'Expired':
    case 'Invalid':
      return status;
    case 'Unknown':
      return 'Invalid';
    default:
      return 'Blocked';
  }
}
