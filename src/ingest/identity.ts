import type { RefusalReason } from './refusals.js';

/** `/ocpp/` is the endpoint; the rest of the path is the id, percent-encoded (OCPP-J 1.6 section 3.1.1). */
const ENDPOINT = '/ocpp/';
/**
 * 48 is what 2.0.1 allows a station's identity. Printable ASCII, because ids become names of records, and
 * control characters have no business in anybody's log; 1.6 allows the space of its own example (RDAM 123).
 */
const ID = /^[\x20-\x2e\x30-\x7e]{1,48}$/;

export type Identified = { readonly id: string } | { readonly refusal: RefusalReason };

/** The charge point id of a request target (`/ocpp/RDAM%20123?x=y` -> `RDAM 123`). */
export function identify(target: string): Identified {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  if (!path.startsWith(ENDPOINT)) return { refusal: 'NOT_OCPP_PATH' };
  let id: string;
  try {
    id = decodeURIComponent(path.slice(ENDPOINT.length));
  } catch {
    return { refusal: 'ID_INVALID' };
  }
  return ID.test(id) ? { id } : { refusal: 'ID_INVALID' };
}
