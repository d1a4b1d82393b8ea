import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case N02: a part of the answer to GetMonitoringReport. */
export const notifyMonitoringReport = acknowledged('NotifyMonitoringReport');
