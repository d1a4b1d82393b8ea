import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case A04: something happened that a security officer should know. */
export const securityEventNotification = acknowledged('SecurityEventNotification');
