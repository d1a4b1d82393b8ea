import { WattstreamError } from '../platform/errors.js';

/** The super stream of frames, and the streams that are its partitions (as the broker itself names them). */
export interface StreamNames {
  readonly superStream: string;
  partition(index: number): string;
}

/** Names under `prefix` (WATTSTREAM_PREFIX). Throws NAME_NOT_ASCII. */
export function streamNames(prefix: string): StreamNames {
  const superStream = ascii(`${prefix}ocpp.frames`, 'stream name');
  return { superStream, partition: (index) => `${superStream}-${index}` };
}

/**
 * Names on the stream protocol are length-prefixed; the client counts UTF-16 units where the broker counts
 * bytes, so that one `ø` leaves the connection waiting for ever. Throws NAME_NOT_ASCII for anything but 1 to
 * 255 printable ASCII characters (255 is the broker's limit for references).
 */
export function ascii(text: string, what: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(text)) return text;
  throw new WattstreamError('NAME_NOT_ASCII', `The ${what} ${JSON.stringify(text)} cannot be used`, {
    remedy: 'Use 1 to 255 printable ASCII characters.',
  });
}
