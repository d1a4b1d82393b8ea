import { acknowledged } from '../action.js';

/** OCPP 2.1: a part of the answer to GetDERControl. */
export const reportDERControl = acknowledged('ReportDERControl');
