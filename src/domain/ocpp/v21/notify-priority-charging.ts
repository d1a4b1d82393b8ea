import { acknowledged } from '../action.js';

/** OCPP 2.1: priority charging began or ended. */
export const notifyPriorityCharging = acknowledged('NotifyPriorityCharging');
