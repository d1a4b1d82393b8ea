/** Every question there is, in the order in which people see them. */

import { accountSessions } from './account-sessions.js';
import { anomalies } from './anomalies.js';
import { availability } from './availability.js';
import { chargers } from './chargers.js';
import { chargingEvents } from './charging-events.js';
import { chargingProfiles } from './charging-profiles.js';
import { chargingRequest } from './charging-request.js';
import { checkpoints } from './checkpoints.js';
import { command } from './command.js';
import { commandSteps } from './command-steps.js';
import { commands } from './commands.js';
import { connections } from './connections.js';
import { energy15m } from './energy-15m.js';
import { energyByChargePoint } from './energy-by-charge-point.js';
import { energyByDay } from './energy-by-day.js';
import { eventPositions } from './event-positions.js';
import { framesOfChargePoint } from './frames-of-charge-point.js';
import { generations } from './generations.js';
import { jobs } from './jobs.js';
import { liveSessions } from './live-sessions.js';
import { localLists } from './local-lists.js';
import { meterValues } from './meter-values.js';
import type { Question } from './named-query.js';
import { outletsNow } from './outlets-now.js';
import { overview } from './overview.js';
import { refusals } from './refusals.js';
import { reservations } from './reservations.js';
import { session } from './session.js';
import { sessionSamples } from './session-samples.js';
import { sessions } from './sessions.js';
import { sessionsById } from './sessions-by-id.js';
import { snapshotChargers } from './snapshot-chargers.js';
import { snapshotConnectors } from './snapshot-connectors.js';
import { snapshotSessions } from './snapshot-sessions.js';
import { statusIntervals } from './status-intervals.js';
import { statusNow } from './status-now.js';
import { throughput } from './throughput.js';

export const QUERIES: readonly Question[] = [
  sessions,
  session,
  liveSessions,
  chargers,
  energyByChargePoint,
  energyByDay,
  energy15m,
  meterValues,
  statusNow,
  statusIntervals,
  availability,
  connections,
  anomalies,
  commands,
  command,
  commandSteps,
  chargingEvents,
  reservations,
  chargingProfiles,
  localLists,
  jobs,
  framesOfChargePoint,
  throughput,
  checkpoints,
  eventPositions,
  refusals,
  generations,
  overview,
  snapshotChargers,
  snapshotConnectors,
  snapshotSessions,
  accountSessions,
  sessionSamples,
  sessionsById,
  outletsNow,
  chargingRequest,
];

const index = new Map(QUERIES.map((query) => [query.name, query]));

export const byName = (name: string): Question | undefined => index.get(name);
