/** Fills the placeholders of a migration: the same text makes tables on one server and on a cluster. */
import { WattstreamError } from '../../platform/errors.js';

export interface Target {
  readonly database: string;
  /** Name of a ClickHouse cluster of replicas (one shard), else a single server. */
  readonly cluster?: string | undefined;
}

const NAME = /^[A-Za-z_][\w-]*$/;

/**
 * Placeholders: `{{database}}`, `{{on_cluster}}`, `{{merge_tree}}`, `{{replacing}}`, `{{replacing(a, b)}}`.
 * Replicated engines are named without a path: the server's `default_replica_path` ({uuid}) then keeps
 * tables apart that were dropped and made again. Throws MIGRATION_PLACEHOLDER for an unknown one.
 */
export function render(text: string, { database, cluster }: Target): string {
  for (const name of [database, cluster])
    if (name !== undefined && !NAME.test(name))
      throw new WattstreamError('CONFIG_INVALID', `'${name}' is not a name for a database or a cluster`);
  const prefix = cluster === undefined ? '' : 'Replicated';
  return text.replace(/\{\{\s*(\w+)\s*(\([^)]*\))?\s*\}\}/g, (whole, name: string, args?: string) => {
    switch (name) {
      case 'database':
        return database;
      case 'on_cluster':
        return cluster === undefined ? '' : `ON CLUSTER \`${cluster}\``;
      case 'merge_tree':
        return `${prefix}MergeTree`;
      case 'replacing':
        return `${prefix}ReplacingMergeTree${args ?? ''}`;
      default:
        throw new WattstreamError('MIGRATION_PLACEHOLDER', `Unknown placeholder ${whole} in a migration`);
    }
  });
}
