import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case K12: an outside limit on charging was set. */
export const notifyChargingLimit = acknowledged('NotifyChargingLimit');
