/** Every state a command can be seen in; the last five are what came of it. */
export const COMMAND_STATES = [
  'requested',
  'kept',
  'released',
  'sent',
  'accepted',
  'rejected',
  'failed',
  'timed-out',
  'offline',
] as const;
