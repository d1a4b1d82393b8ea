import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case N07: monitors that have triggered. */
export const notifyEvent = acknowledged('NotifyEvent');
