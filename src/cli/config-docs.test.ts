import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { configurationPage, DOCS_FILE, settingsList } from './config-docs.js';

test('docs/configuration.md is what the settings say', () => {
  expect(readFileSync(DOCS_FILE, 'utf8')).toBe(configurationPage());
});

test('every setting is explained', () => {
  expect(settingsList().filter(({ description }) => description === '')).toEqual([]);
});

test('forms and defaults are those of the settings', () => {
  const byName = new Map(settingsList().map((setting) => [setting.name, setting]));
  expect(byName.get('WATTSTREAM_PARTITIONS')).toMatchObject({ form: 'whole number from 1', fallback: '8' });
  expect(byName.get('WATTSTREAM_ALLOW_PLAIN')).toMatchObject({ form: 'true or false', fallback: 'false' });
  expect(byName.get('WATTSTREAM_LOG_LEVEL')!.form).toBe('debug, info, warn, error, silent');
  expect(byName.get('CLICKHOUSE_PASSWORD')!.fallback).toBe('');
});
