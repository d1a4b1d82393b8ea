/** ETags are versions (RFC 9110, 8.8.3 and 13.1): who changes something says which version they have seen. */
import { WattstreamError } from '../../platform/errors.js';

export const etagOf = ({ version }: { readonly version: number }): string => `"${version}"`;

/** Throws PRECONDITION_REQUIRED (428) without If-Match, PRECONDITION_FAILED (412) when the version is another. */
export function checkIfMatch(ifMatch: string | undefined, entity: { readonly version: number }): void {
  if (ifMatch === undefined)
    throw new WattstreamError('PRECONDITION_REQUIRED', 'A change says which version it is of.', {
      remedy: `Send If-Match with the ETag of what you have read, or "*" for whatever is there.`,
    });
  if (!matches(ifMatch, etagOf(entity)))
    throw new WattstreamError(
      'PRECONDITION_FAILED',
      `It is at version ${entity.version} by now, not at ${ifMatch}.`,
      { remedy: 'Read it again, and decide whether your change still makes sense.' },
    );
}

/** A list of ETags, or `*`. Weak ones are no match: versions are exact. */
export const matches = (header: string, etag: string): boolean =>
  header.trim() === '*' || header.split(',').some((one) => one.trim() === etag);
