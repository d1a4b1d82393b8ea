import { answeredWith } from '../action.js';

/** OCPP 2.0.1 use case A02: we run no certificate authority, so the station keeps its certificate. */
export const signCertificate = answeredWith('SignCertificate', 'Rejected');
