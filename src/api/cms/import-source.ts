/** What is imported, out of an array or a file; judged as a whole before anything is changed. */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { WattstreamError } from '../../platform/errors.js';
import type { CsvFile } from './csv/file.js';
import { itemsOf, survey } from './csv/items.js';
import { type ImportItem, jsonItem } from './import.js';
import type { Resource } from './resources.js';

export interface ImportLimits {
  readonly bytes: number;
  readonly items: number;
}
export const IMPORT_LIMITS: ImportLimits = { bytes: 64 * 1024 * 1024, items: 100_000 };

/** Throws REQUEST_INVALID, before anything is changed. */
export async function itemsIn<K extends EntityKind>(
  body: unknown,
  resource: Resource<K>,
  limits: Pick<ImportLimits, 'items'>,
): Promise<AsyncIterable<ImportItem> | Iterable<ImportItem>> {
  if (Array.isArray(body) && body.length <= limits.items)
    return body.map((item: unknown) => jsonItem(resource, item));
  if (!isFile(body))
    throw new WattstreamError(
      'REQUEST_INVALID',
      `An array, or a file of CSV, of at most ${limits.items} ${resource.path} is imported.`,
    );
  const surveyed = await survey(body, resource, { maxEntities: limits.items });
  return itemsOf(body, resource, surveyed);
}

const isFile = (body: unknown): body is CsvFile =>
  typeof body === 'object' && body !== null && Array.isArray((body as CsvFile).chunks);
