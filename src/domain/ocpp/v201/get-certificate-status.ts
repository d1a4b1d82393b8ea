import { answeredWith } from '../action.js';

/** OCPP 2.0.1 use case M06: we ask no OCSP responder for the station. */
export const getCertificateStatus = answeredWith('GetCertificateStatus', 'Failed');
