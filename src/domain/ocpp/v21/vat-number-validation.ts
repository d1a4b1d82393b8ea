import type { Action } from '../action.js';

/** OCPP 2.1: we ask no tax authority, so no number is confirmed. */
export const vatNumberValidation: Action = {
  name: 'VatNumberValidation',
  answer: ({ vatNumber, evseId }) => ({ result: { status: 'Rejected', vatNumber, evseId } }),
};
