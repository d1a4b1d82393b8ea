import { acknowledged } from '../action.js';

/** OCPP 1.6 security whitepaper: how far an upload of logs has come. */
export const logStatusNotification = acknowledged('LogStatusNotification');
