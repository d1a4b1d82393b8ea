import { acknowledged } from '../action.js';

/** OCPP 2.1: batteries came in or went out of a swap station. */
export const batterySwap = acknowledged('BatterySwap');
