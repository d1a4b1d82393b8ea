/**
 * A charging point: one OCPP identity, its credentials, its EVSEs and connectors (OCPI 2.2.1, 8.3.2 and 8.3.3, where it
 * has them).
 *
 * OCPP 2.x numbers EVSEs, and connectors within each; OCPP 1.6 numbers the connectors of the whole charger. Its number
 * n means the connector with `ocpp16ConnectorId` n, or where none says so the n-th one here, in order.
 */
import { z } from 'zod';
import { rotation } from './rotation.js';
import { chargingPointId, id, text } from './shape.js';

export const SECURITY_PROFILES = [0, 1, 2, 3] as const;

export const LOCAL_LISTS = ['none', 'account', 'all'] as const;

const connector = z.object({
  connectorId: z.int().positive().describe('Within its EVSE'),
  ocpp16ConnectorId: z.int().positive().optional(),
  standard: text(40).describe('OCPI ConnectorType: IEC_62196_T2, IEC_62196_T2_COMBO, CHADEMO ...'),
  format: z.enum(['SOCKET', 'CABLE']),
  power_type: z.enum(['AC_1_PHASE', 'AC_2_PHASE', 'AC_2_PHASE_SPLIT', 'AC_3_PHASE', 'DC']),
  max_voltage: z.int().positive().optional().describe('V'),
  max_amperage: z.int().positive().optional().describe('A'),
  max_electric_power: z.int().positive().describe('W'),
  tariff: id.optional().describe("Id of its tariff; default: the charging point's"),
});

const evse = z.object({
  evseId: z.int().positive().describe('As OCPP numbers it'),
  evse_id: z
    .string()
    .max(48)
    .regex(/^[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9*]+$/i, 'as NL*ABC*E0001*1')
    .optional()
    .describe('eMI3 id: printed on it, and on receipts'),
  floor_level: text(4).optional(),
  physical_reference: text(16).optional(),
  capabilities: z.array(text(40)).optional(),
  connectors: z.array(connector).min(1),
});

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

export const point = z
  .object({
    id: chargingPointId,
    station: id,
    name: text(255).optional(),
    securityProfile: z
      .literal(SECURITY_PROFILES)
      .describe('0: nothing proves who it is; 1: Basic; 2: Basic over TLS; 3: client certificate'),
    passwordHash: z.string().max(255).optional().describe('Kept, never shown'),
    nextPasswordHash: z
      .string()
      .max(255)
      .optional()
      .describe('Of a key that the charger may have been given: it is let in with either. Kept, never shown'),
    earlierNextPasswordHashes: z
      .array(z.string().max(255))
      .max(16)
      .optional()
      .describe('The same, of rotations before that one, oldest first. Kept, never shown'),
    rotation: rotation.optional(),
    certificateCommonName: text(64).optional().describe('Profile 3; default: the id'),
    localList: z
      .enum(LOCAL_LISTS)
      .optional()
      .describe(
        "Which tokens it is given, to accept them without asking: those of its own account (at somebody's home), all, or none (the default). Never those whose whitelist is NEVER",
      ),
    localListEntries: z
      .int()
      .positive()
      .optional()
      .describe(
        'Tokens that it can hold, where it does not say so itself (most of OCPP 2.x do not). It is never given more',
      ),
    account: id.optional().describe("Pays for every session here (a charger at somebody's home)"),
    tariff: id.optional().describe('Id of the tariff where a connector has none of its own'),
    meterKeys: z
      .array(z.string().regex(/^\S+$/))
      .min(1)
      .optional()
      .describe('Public keys of its meters, DER SubjectPublicKeyInfo in hex or base64'),
    vendor: text(50).optional(),
    model: text(50).optional(),
    serialNumber: text(50).optional(),
    clock: z
      .object({ offsetMinutes: z.int().min(-840).max(840) })
      .optional()
      .describe(
        'Its clock is known to be ahead of UTC by this. Kept and shown; times are not corrected by it yet: a clock that is whole hours off is flagged (`clock_suspect`)',
      ),
    evses: z.array(evse).min(1),
  })
  .refine(({ evses }) => distinct(evses.map(({ evseId }) => evseId)), {
    path: ['evses'],
    message: 'an evseId occurs twice',
  })
  .refine(
    ({ evses }) =>
      evses.every(({ connectors }) => distinct(connectors.map(({ connectorId }) => connectorId))),
    { path: ['evses'], message: 'a connectorId occurs twice in one EVSE' },
  )
  .refine(
    ({ evses }) =>
      distinct(
        evses
          .flatMap(({ connectors }) => connectors.map((one) => one.ocpp16ConnectorId))
          .filter((number) => number !== undefined),
      ),
    { path: ['evses'], message: 'an ocpp16ConnectorId occurs twice' },
  )
  .refine((one) => (one.securityProfile % 3 === 0) === (one.passwordHash === undefined), {
    path: ['password'],
    message: 'profiles 1 and 2 need a password, profiles 0 and 3 have none',
  })
  .meta({ id: 'ChargingPoint' });
export type Point = z.infer<typeof point>;
export type Connector = z.infer<typeof connector>;
