import { answeredWith } from '../action.js';

/** OCPP 2.0.1 use case K15: the answer says only that the schedule was received. */
export const notifyEVChargingSchedule = answeredWith('NotifyEVChargingSchedule', 'Accepted');
