import { acknowledged } from '../action.js';

/** OCPP 2.0.1 use case H01, H04: a reservation expired or was removed. */
export const reservationStatusUpdate = acknowledged('ReservationStatusUpdate');
