import { describe, expect, test } from '@jest/globals';
import { readMigrations } from './files.js';
import { render } from './render.js';

const text = 'CREATE TABLE {{database}}.t {{on_cluster}} ENGINE = {{replacing(version, is_deleted)}}';

describe('one migration text serves', () => {
  test('a single server', () => {
    expect(render(text, { database: 'watt' })).toBe(
      'CREATE TABLE watt.t  ENGINE = ReplacingMergeTree(version, is_deleted)',
    );
  });

  test('a cluster of replicas', () => {
    expect(render(`${text} {{replacing}} {{merge_tree}}`, { database: 'watt', cluster: 'main' })).toBe(
      'CREATE TABLE watt.t ON CLUSTER `main` ENGINE = ReplicatedReplacingMergeTree(version, is_deleted) ' +
        'ReplicatedReplacingMergeTree ReplicatedMergeTree',
    );
  });

  test('no placeholder of the landed migrations is left standing', async () => {
    for (const migration of await readMigrations())
      expect(render(migration.text, { database: 'd', cluster: 'c' })).not.toMatch(/\{\{/);
  });
});

test('an unknown placeholder is refused rather than sent to the server', () => {
  expect(() => render('{{databse}}', { database: 'd' })).toThrow(
    expect.objectContaining({ code: 'MIGRATION_PLACEHOLDER' }),
  );
});

test('a name that is no name is refused: it would become SQL', () => {
  expect(() => render(text, { database: 'd; DROP' })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});
