/** What tariffs are taken. What would break: a misspelt restriction would sell every kWh at the night price. */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { tariff } from './shape.js';

const component = { type: 'ENERGY', price: 0.25, step_size: 1 };
const withElement = (element: object, more: object = {}) =>
  tariff.safeParse({
    id: '1',
    currency: 'EUR',
    elements: [{ price_components: [component], ...element }],
    ...more,
  });

describe('a tariff', () => {
  it.each([
    ['a restriction that OCPI does not have', { restrictions: { dayOfWeek: ['MONDAY'] } }],
    ['restrictions under another name', { restriction: { max_kwh: 3 } }],
    ['25 o’clock', { restrictions: { start_time: '25:00' } }],
    ['24:00, which OCPI writes 00:00', { restrictions: { end_time: '24:00' } }],
    ['half a second', { restrictions: { min_duration: 0.5 } }],
    ['an unknown day', { restrictions: { day_of_week: ['Monday'] } }],
    ['no price component', { price_components: [] }],
    ['two prices for the same thing', { price_components: [component, { ...component, price: 1 }] }],
    ['a price that is no number', { price_components: [{ ...component, price: '0.25' }] }],
    ['a negative VAT', { price_components: [{ ...component, vat: -1 }] }],
    ['no step_size', { price_components: [{ type: 'ENERGY', price: 1 }] }],
    ['a misspelt field of a price', { price_components: [{ ...component, VAT: 19 }] }],
  ])('with %s is refused', (_, element) => {
    expect(withElement(element).success).toBe(false);
  });

  it.each([
    ['a currency that is none', { currency: 'euro' }],
    ['a minimum above the maximum', { min_price: { excl_vat: 5 }, max_price: { excl_vat: 4 } }],
    ['a limit that is smaller with VAT', { min_price: { excl_vat: 5, incl_vat: 4 } }],
    ['a limit that has no price without VAT', { max_price: { incl_vat: 4 } }],
    ['prices that include tax (2.3.0)', { tax_included: 'YES' }],
    ['a date that is none', { start_date_time: '2026-13-01T00:00:00Z' }],
  ])('with %s is refused', (_, more) => {
    expect(withElement({}, more).success).toBe(false);
  });

  it.each([
    ['nulls where nothing is given', { restrictions: null }, { min_price: null, start_date_time: null }],
    ['fields of other versions and of nobody', {}, { energy_mix: { is_green_energy: true }, our_note: 'x' }],
    ['limits as 2.3.0 writes them', {}, { max_price: { before_taxes: 10, after_taxes: 11 } }],
    ['no owner and no date, as 2.1.1 has it', {}, {}],
    ['a time without Z', {}, { last_updated: '2015-06-29T20:39:09' }],
    ['a negative price: a reward', { price_components: [{ ...component, price: -0.1 }] }, {}],
  ])('with %s is taken, and nothing of it is lost', (_, element, more) => {
    const parsed = withElement(element, more);
    expect(parsed.success).toBe(true);
    expect(parsed.data).toMatchObject(more);
  });

  it('can be documented: the schema is JSON schema as well', () => {
    const { properties } = z.toJSONSchema(tariff) as { properties: Record<string, object> };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['elements', 'min_price', 'currency']));
  });
});
