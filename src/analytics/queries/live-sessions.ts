import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, limit } from './params.js';

export const liveSessions = namedQuery({
  name: 'live-sessions',
  title: 'Sessions that are going on, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    limit: limit(500, 5_000),
  }),
  columns: {
    session_id: 'Our id of the session (UUIDv5)',
    charge_point_id: 'Charge point id',
    connector_id: 'Connector, when known',
    evse_id: 'EVSE, when known; in OCPP 1.6 the connector',
    transaction_id: 'Transaction id as OCPP carries it',
    station_id: 'Station at the start',
    tariff: 'Tariff at the start, <id>@<version>',
    auth_status: 'What the token was answered: Accepted, Blocked, ...',
    started_at: 'Start, UTC',
    duration_s: 'Seconds since the start',
    last_seen_at: 'Last evidence of the session, UTC',
    energy_wh: 'Energy delivered, Wh',
    estimated: 'Energy is integrated power, no register',
    max_power_w: 'Highest power seen, W',
    soc_start: 'State of charge at the start, %',
    soc_end: 'State of charge last seen, %',
    charging_s: 'Seconds with power',
    idle_s: 'Seconds plugged in without power',
    held: 'Held for review: figures disagree or something is missing',
    anomalies: 'Kinds of what looked wrong',
    protocol: 'OCPP version',
  },
});
