import { acknowledged } from '../action.js';

/** OCPP 1.6 section 4.4. */
export const diagnosticsStatusNotification = acknowledged('DiagnosticsStatusNotification');
