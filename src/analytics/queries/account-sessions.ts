import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { cursor, limit } from './params.js';
import { SESSION_COLUMNS } from './session-columns.js';

const {
  id_token_hash: _hash,
  unplugged_at: _unplugged,
  clock_suspect: _suspect,
  energy_source: _source,
  energy_export_wh: _export,
  soc_start: _soc,
  charging_s: _charging,
  idle_s: _idle,
  ...columns
} = SESSION_COLUMNS;

export const accountSessions = namedQuery({
  name: 'account-sessions',
  title: 'Charging sessions of one account, newest first',
  params: z.strictObject({
    account_id: z.string().min(1).max(255).describe('Account'),
    session_id: z
      .union([z.literal(''), z.uuid()])
      .default('')
      .describe('Only this session'),
    status: z
      .enum(['', 'active', 'completed', 'abandoned', 'orphan'])
      .default('')
      .describe('Only sessions of this status'),
    limit: limit(50, 500),
    cursor: cursor(/^-?\d{1,15}_[0-9a-f-]{36}$/),
  }),
  columns: {
    ...columns,
    anomalies: 'Kinds of what looked wrong',
    protocol: 'OCPP version',
    version: 'epoch * 2^48 + offset of the record this follows from',
    cursor: 'Give this as `cursor` to continue after this row',
  },
});
