import { answeredWith } from '../action.js';

/** OCPP 1.6 section 4.3: we speak no vendor's dialect, and say so. The frame is kept like any other. */
export const dataTransfer = answeredWith('DataTransfer', 'UnknownVendorId');
