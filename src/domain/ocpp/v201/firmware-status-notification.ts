import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case L01: progress of a firmware update. */
export const firmwareStatusNotification = acknowledged('FirmwareStatusNotification');
