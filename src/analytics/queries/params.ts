/** The parameters that several questions share: each with a default and a limit. */
import { z } from 'zod';
import { instantOf } from './instant.js';

/** Before and after anything: a charger's wrong clock must not hide its sessions from a plain list. */
export const BEGINNING = '1900-01-01';
export const END = '2299-12-31';

const instant = z
  .string()
  .refine((text) => instantOf(text, 0) !== undefined || instantOf(text, Date.UTC(2026, 0, 1)) !== undefined, {
    message: 'is no time: ISO 8601 (UTC without a zone), now, or a distance such as -24h, -7d',
  });

export const from = (fallback: string) =>
  instant.default(fallback).describe('From this time on: ISO 8601, now, or a distance such as -24h, -7d');
export const to = (fallback: string) =>
  instant.default(fallback).describe('Before this time: ISO 8601, now, or a distance such as -24h, -7d');

export const limit = (fallback: number, max: number) =>
  z.coerce.number().int().min(1).max(max).default(fallback).describe(`Rows at most; up to ${max}`);

const name = z
  .string()
  .max(255)
  .refine((text) => !text.includes('\0'), 'holds a NUL');

/** '' = all. */
export const chargePoint = name.default('').describe('Charge point id; without it all of them');
export const chargePointRequired = name.min(1).describe('Charge point id');

/** '' = any. */
export const exactly = (what: string) => name.default('').describe(`${what}; without it any`);

/** '' = the first page. */
export const cursor = (form: RegExp) =>
  z
    .union([z.literal(''), z.string().regex(form, 'is no cursor of an earlier answer')])
    .default('')
    .describe('`cursor` of the last row of the page before');

const zones = new Set(Intl.supportedValuesOf('timeZone'));
export const timeZone = z
  .string()
  .refine((zone) => zone === 'UTC' || zones.has(zone), 'is no IANA time zone')
  .default('UTC')
  .describe('IANA time zone whose days are meant');

/** A list of ids as one parameter: its questions are asked by programs of ours. */
export const sessionIds = z
  .string()
  .regex(/^\["[0-9a-f-]{36}"(,"[0-9a-f-]{36}"){0,499}\]$/, 'is no JSON list of session ids')
  .describe('Ids of the sessions, as a JSON list');
export const chargePointIds = z
  .string()
  .max(150_000)
  .regex(/^\[(".*")?\]$/, 'is no JSON list of charge point ids')
  .describe('Ids of the charge points, as a JSON list');
