import { acknowledged } from '../action.js';

/** OCPP 2.1: the only message that comes as a SEND, which is kept and not answered. */
export const notifyPeriodicEventStream = acknowledged('NotifyPeriodicEventStream');
