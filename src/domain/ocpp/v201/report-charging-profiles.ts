import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case K09: a part of the answer to GetChargingProfiles. */
export const reportChargingProfiles = acknowledged('ReportChargingProfiles');
