import { acknowledged } from '../action.js';

/** OCPP 2.1: an alarm of a distributed energy resource. */
export const notifyDERAlarm = acknowledged('NotifyDERAlarm');
