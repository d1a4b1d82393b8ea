import { answeredWith } from '../action.js';

/** OCPP 2.1: we compute no charging schedules. */
export const pullDynamicScheduleUpdate = answeredWith('PullDynamicScheduleUpdate', 'Rejected');
