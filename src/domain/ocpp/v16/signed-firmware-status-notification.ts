import { acknowledged } from '../action.js';

/** OCPP 1.6 security whitepaper: as FirmwareStatusNotification, for signed firmware. */
export const signedFirmwareStatusNotification = acknowledged('SignedFirmwareStatusNotification');
