import { answeredWith } from '../action.js';

/** OCPP 1.6 security whitepaper: we run no certificate authority, so the charger keeps its certificate. */
export const signCertificate = answeredWith('SignCertificate', 'Rejected');
