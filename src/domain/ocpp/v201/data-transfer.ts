import { answeredWith } from '../action.js';

/** OCPP 2.0.1 use case P02: we speak no vendor's dialect, and say so. The frame is kept like any other. */
export const dataTransfer = answeredWith('DataTransfer', 'UnknownVendorId');
