import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, exactly, limit } from './params.js';

export const snapshotSessions = namedQuery({
  name: 'snapshot-sessions',
  title: 'Sessions going on or just ended, with the version of what is known of them (for live views)',
  params: z.strictObject({
    charge_point_id: chargePoint,
    station_id: exactly('Station at the start'),
    account_id: exactly('Account'),
    limit: limit(5_000, 100_000),
  }),
  columns: {
    session_id: 'Our id of the session (UUIDv5)',
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE, when known; in OCPP 1.6 the connector',
    connector_id: 'Connector, when known',
    transaction_id: 'Transaction id as OCPP carries it',
    status: 'active, completed, abandoned, orphan',
    held: 'Held for review: figures disagree or something is missing',
    auth_status: 'What the token was answered: Accepted, Blocked, ...',
    station_id: 'Station at the start',
    account_id: 'Account of the first accepted token',
    tariff: 'Tariff at the start, <id>@<version>',
    started_at: 'Start, UTC',
    stopped_at: 'Stop, UTC; empty while active',
    last_seen_at: 'Last evidence of the session, UTC',
    energy_wh: 'Energy delivered, Wh',
    energy_export_wh: 'Energy taken from the vehicle, Wh',
    max_power_w: 'Highest power seen, W',
    soc_end: 'State of charge last seen, %',
    stop_reason: 'Why it ended, as the charger said',
    estimated: 'Energy is integrated power, no register',
    anomalies: 'Kinds of what looked wrong',
    remote_start_id: 'Number of the remote start it answers (OCPP 2.x)',
    protocol: 'OCPP version',
    version: 'epoch * 2^48 + offset of the record this follows from',
  },
});
