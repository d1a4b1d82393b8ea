import { acknowledged } from '../action.js';

/** OCPP 2.1: a control of a distributed energy resource began or ended. */
export const notifyDERStartStop = acknowledged('NotifyDERStartStop');
