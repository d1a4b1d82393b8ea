/** What a charging station may send in 2.1: all of 2.0.1, read in the same way, and its own. */
import { tableOf } from '../action.js';
import { actions201 } from '../v201/actions.js';
import { batterySwap } from './battery-swap.js';
import { closePeriodicEventStream } from './close-periodic-event-stream.js';
import { getCertificateChainStatus } from './get-certificate-chain-status.js';
import { notifyDERAlarm } from './notify-der-alarm.js';
import { notifyDERStartStop } from './notify-der-start-stop.js';
import { notifyPeriodicEventStream } from './notify-periodic-event-stream.js';
import { notifyPriorityCharging } from './notify-priority-charging.js';
import { notifySettlement } from './notify-settlement.js';
import { openPeriodicEventStream } from './open-periodic-event-stream.js';
import { pullDynamicScheduleUpdate } from './pull-dynamic-schedule-update.js';
import { reportDERControl } from './report-der-control.js';
import { vatNumberValidation } from './vat-number-validation.js';

export const actions21 = tableOf(
  ...actions201.values(),
  batterySwap,
  closePeriodicEventStream,
  getCertificateChainStatus,
  notifyDERAlarm,
  notifyDERStartStop,
  notifyPeriodicEventStream,
  notifyPriorityCharging,
  notifySettlement,
  openPeriodicEventStream,
  pullDynamicScheduleUpdate,
  reportDERControl,
  vatNumberValidation,
);
