/** The shape of a receipt, for the document and for every answer. */
import { z } from 'zod';

const amount = z.string().describe('Decimal');
const known = z.string().nullable();

export const receiptOut = z
  .object({
    number: z.string().describe('Made of the session: the same for ever, and no other session has it'),
    date: z.string().describe('Day on which the session ended, at the station'),
    corrects: known.describe('Number of the receipt that this one takes the place of'),
    supplier: z.object({ name: z.string(), address: known, vatId: known }),
    customer: z.object({ accountId: z.string(), name: known }),
    session: z.object({
      sessionId: z.uuid(),
      evseId: z.string().describe('eMI3 id; else charge point and outlet'),
      chargePointId: z.string(),
      station: z.object({ id: z.string(), name: known, address: known, city: known, country: known }),
      timeZone: z.string(),
      startedAt: z.string().describe("With the station's offset"),
      stoppedAt: z.string(),
      energyKWh: amount,
      estimated: z.boolean(),
    }),
    tariff: z.string().describe('<id>@<version>'),
    currency: z.string(),
    lines: z.array(
      z.object({
        dimension: z.enum(['ENERGY', 'TIME', 'PARKING_TIME', 'RESERVATION_TIME', 'FLAT']),
        price: amount.describe('Per kWh, hour or session, without VAT'),
        vat: known.describe('Per cent; null: none applies'),
        quantity: amount.describe('kWh, hours or number'),
        exclVat: amount.describe('4 decimals: rounded once, at the total'),
        inclVat: amount,
      }),
    ),
    vat: z.array(z.object({ rate: known.describe('Per cent; null: no VAT applies'), basis: amount, amount })),
    total: z.object({ exclVat: amount, vat: amount, inclVat: amount.describe('To be paid') }),
    explanation: z.array(z.string()).describe('Which readings, which element of the tariff, which rounding'),
  })
  .meta({ id: 'Receipt' });
