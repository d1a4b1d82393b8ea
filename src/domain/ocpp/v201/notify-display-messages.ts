import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case O03: a part of the answer to GetDisplayMessages. */
export const notifyDisplayMessages = acknowledged('NotifyDisplayMessages');
