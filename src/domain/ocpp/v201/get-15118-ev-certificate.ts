import type { Action } from '../action.js';

/** OCPP 2.0.1 use cases M01, M02: we are connected to no certificate pool for contract certificates. */
export const get15118EVCertificate: Action = {
  name: 'Get15118EVCertificate',
  answer: () => ({ result: { status: 'Failed', exiResponse: '' } }),
};
