import { answeredWith } from '../action.js';

/** OCPP 2.1: what the station was set up to report. The stream is kept like any other frame. */
export const openPeriodicEventStream = answeredWith('OpenPeriodicEventStream', 'Accepted');
