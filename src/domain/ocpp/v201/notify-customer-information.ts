import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case N09: a part of the answer to CustomerInformation. */
export const notifyCustomerInformation = acknowledged('NotifyCustomerInformation');
