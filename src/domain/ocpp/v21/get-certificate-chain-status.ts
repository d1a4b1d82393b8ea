import type { Action } from '../action.js';
import { isObject } from '../payload.js';
import { Reading } from '../reading.js';
import { timeText } from '../time.js';

/** Before this the station need not ask again. */
const ASK_AGAIN_MS = 24 * 60 * 60 * 1000;

/** OCPP 2.1: we ask no OCSP responder, and say so for each certificate of the chain. */
export const getCertificateChainStatus: Action = {
  name: 'GetCertificateChainStatus',
  answer(payload, { receivedAt }) {
    const nextUpdate = timeText(receivedAt + ASK_AGAIN_MS);
    const certificateStatus = new Reading().list(payload, 'certificateStatusRequests').map((request) => ({
      certificateHashData: isObject(request.certificateHashData) ? request.certificateHashData : {},
      source: request.source,
      status: 'Failed',
      nextUpdate,
    }));
    return { result: { certificateStatus } };
  },
};
