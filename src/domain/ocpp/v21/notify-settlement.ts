import { acknowledged } from '../action.js';

/** OCPP 2.1: the payment terminal has settled. We issue no receipts of our own here. */
export const notifySettlement = acknowledged('NotifySettlement');
