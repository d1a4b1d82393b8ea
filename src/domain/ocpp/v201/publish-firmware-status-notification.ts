import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case L03: progress of a local controller that publishes firmware. */
export const publishFirmwareStatusNotification = acknowledged('PublishFirmwareStatusNotification');
