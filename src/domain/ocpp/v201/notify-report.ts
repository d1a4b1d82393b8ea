import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case B07: a part of the answer to GetBaseReport and GetReport. */
export const notifyReport = acknowledged('NotifyReport');
