import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case N01: progress of an upload of logs. */
export const logStatusNotification = acknowledged('LogStatusNotification');
