import { answeredWith } from '../action.js';

/** OCPP 2.0.1 use case K15: we compute no charging schedules, so the EV charges by its own. */
export const notifyEVChargingNeeds = answeredWith('NotifyEVChargingNeeds', 'Rejected');
