import { acknowledged } from '../action.js';

/** OCPP 1.6 section 4.5. */
export const firmwareStatusNotification = acknowledged('FirmwareStatusNotification');
