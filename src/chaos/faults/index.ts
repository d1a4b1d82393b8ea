import { WattstreamError } from '../../platform/errors.js';
import { haltBroker, killBroker, killLeader, stopBroker } from './broker.js';
import { analyticsJoins, analyticsLeaves, ingestLeaves } from './comings-and-goings.js';
import { cutOffAndKilled } from './cut-off-and-killed.js';
import type { Fault } from './fault.js';
import { fullDisk } from './full-disk.js';
import { haltAnalytics, haltClickHouse, haltIngest, zombie } from './halts.js';
import { killAnalytics, killClickHouse, killIngest } from './kills.js';
import { halfOpen, noConnections, partialFrame, slowBroker } from './wires.js';

/** Every fault there is, in the order in which help lists them. */
export const FAULTS: readonly Fault[] = [
  killIngest,
  killAnalytics,
  killClickHouse,
  killBroker,
  killLeader,
  stopBroker,
  haltBroker,
  halfOpen,
  partialFrame,
  noConnections,
  slowBroker,
  cutOffAndKilled,
  zombie,
  haltAnalytics,
  haltIngest,
  haltClickHouse,
  fullDisk,
  ingestLeaves,
  analyticsLeaves,
  analyticsJoins,
];

/** Throws FAULT_UNKNOWN, naming those that exist. */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault !== undefined) return fault;
  throw new WattstreamError('FAULT_UNKNOWN', `There is no fault "${name}"`, {
    remedy: `One of: ${FAULTS.map((one) => one.name).join(', ')}`,
  });
}
