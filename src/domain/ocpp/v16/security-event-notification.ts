import { acknowledged } from '../action.js';

/** OCPP 1.6 security whitepaper: something happened that a security officer should know. */
export const securityEventNotification = acknowledged('SecurityEventNotification');
