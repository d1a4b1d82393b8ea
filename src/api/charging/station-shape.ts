/** The shape of a station as customers find it. */
import { z } from 'zod';
import { TARIFF_DIMENSIONS, tariffRestrictions } from '../../domain/charging/tariff/shape.js';

const price = z
  .object({
    tariff: z.string().describe('<id>@<version>, in force now'),
    currency: z.string(),
    words: z.string().describe('For people, VAT included'),
    components: z
      .array(
        z.object({
          type: z.enum(TARIFF_DIMENSIONS),
          exclVat: z.string().describe('Decimal, per kWh, hour or session'),
          inclVat: z.string(),
          vat: z.string().nullable().describe('Per cent; null: none applies'),
          stepSize: z.int().describe('Wh or s; 0: no blocks'),
          restrictions: tariffRestrictions.nullable().describe('When it holds, as OCPI has it; null: always'),
          words: z.string(),
        }),
      )
      .describe('Of each type the first that holds counts'),
  })
  .nullable()
  .describe('null: not known; the cost of a session there is not either');

export const stationOut = z
  .object({
    stationId: z.string(),
    name: z.string().nullable(),
    address: z.string(),
    postalCode: z.string().nullable(),
    city: z.string(),
    country: z.string(),
    timeZone: z.string(),
    latitude: z.number(),
    longitude: z.number(),
    distanceM: z.number().nullable().describe('From the place that was asked for'),
    free: z.int().describe('Outlets that are free now'),
    maxPowerW: z.number(),
    outlets: z.array(
      z.object({
        chargePointId: z.string(),
        evseId: z.int(),
        connectorId: z.int(),
        printedId: z.string().nullable().describe('EVSE id that is printed on it'),
        state: z
          .enum(['free', 'plugged', 'occupied', 'unavailable', 'offline', 'unknown'])
          .describe('plugged: a cable is in, and nothing has begun'),
        status: z.string().nullable().describe("The charger's word"),
        standard: z.string(),
        format: z.string(),
        powerType: z.string(),
        powerW: z.number(),
        price,
      }),
    ),
  })
  .meta({ id: 'StationFound' });
