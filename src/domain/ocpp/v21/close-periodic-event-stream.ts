import { acknowledged } from '../action.js';

/** OCPP 2.1: a periodic stream of events ends. */
export const closePeriodicEventStream = acknowledged('ClosePeriodicEventStream');
