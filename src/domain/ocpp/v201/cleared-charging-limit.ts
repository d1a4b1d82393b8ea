import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case K13: an outside limit on charging was lifted. */
export const clearedChargingLimit = acknowledged('ClearedChargingLimit');
