import { z } from 'zod';
import {
  call,
  connector16,
  evse2x,
  instant,
  instead,
  operation,
  outletShape,
  requestId,
} from './operation.js';

const purpose = z
  .enum([
    'ChargePointMaxProfile',
    'ChargingStationMaxProfile',
    'TxDefaultProfile',
    'TxProfile',
    'ChargingStationExternalConstraints',
    'PriorityCharging',
    'LocalGeneration',
  ])
  .describe(
    '1.6 says ChargePointMaxProfile where 2.x says ChargingStationMaxProfile: either is taken for both',
  );
const purpose16 = (word: string | undefined): string | undefined =>
  word === 'ChargingStationMaxProfile' ? 'ChargePointMaxProfile' : word;
const purpose2x = (word: string | undefined): string | undefined =>
  word === 'ChargePointMaxProfile' ? 'ChargingStationMaxProfile' : word;

const rateUnit = z.enum(['A', 'W']);
const profile = z.strictObject({
  id: z.int().min(0).optional().describe('Made from the command id when left out'),
  stackLevel: z.int().min(0).default(0),
  purpose,
  kind: z.enum(['Absolute', 'Recurring', 'Relative']),
  recurrency: z.enum(['Daily', 'Weekly']).optional(),
  transactionId: z
    .union([z.string().min(1).max(36), z.int()])
    .optional()
    .describe('For a TxProfile'),
  validFrom: instant.optional(),
  validTo: instant.optional(),
  schedule: z.strictObject({
    durationSeconds: z.int().min(0).optional(),
    startAt: instant.optional(),
    unit: rateUnit,
    minRate: z.number().min(0).optional(),
    periods: z
      .array(
        z.strictObject({
          start: z.int().min(0).describe('Seconds from the start of the schedule'),
          limit: z.number().min(0).describe('In `unit`; one decimal at most'),
          phases: z.int().min(1).max(3).optional(),
        }),
      )
      .min(1)
      .max(1_024),
  }),
});
type Profile = z.output<typeof profile>;

const common = (given: Profile) => ({
  stackLevel: given.stackLevel,
  chargingProfileKind: given.kind,
  recurrencyKind: given.recurrency,
  validFrom: given.validFrom,
  validTo: given.validTo,
});
const schedule = ({ schedule: given }: Profile) => ({
  duration: given.durationSeconds,
  startSchedule: given.startAt,
  chargingRateUnit: given.unit,
  minChargingRate: given.minRate,
  chargingSchedulePeriod: given.periods.map(({ start, limit, phases }) => ({
    startPeriod: start,
    limit,
    numberPhases: phases,
  })),
});

/** 1.6 section 5.16; 2.x use case K01. */
export const setChargingProfile = operation({
  name: 'set-charging-profile',
  summary: 'Limit what a charger or a connector may give',
  shape: { ...outletShape, profile },
  example: {
    connectorId: 1,
    profile: {
      purpose: 'TxDefaultProfile',
      kind: 'Absolute',
      stackLevel: 0,
      schedule: { unit: 'A', startAt: '2026-11-25T18:00:00Z', periods: [{ start: 0, limit: 16 }] },
    },
  },
  in16: (body) =>
    call('SetChargingProfile', {
      connectorId: connector16(body) ?? 0,
      csChargingProfiles: {
        chargingProfileId: body.profile.id,
        // Text that is no number is left to the schema, which names the field.
        transactionId:
          body.profile.transactionId === undefined || !/^-?\d+$/.test(String(body.profile.transactionId))
            ? body.profile.transactionId
            : Number(body.profile.transactionId),
        chargingProfilePurpose: purpose16(body.profile.purpose),
        ...common(body.profile),
        chargingSchedule: schedule(body.profile),
      },
    }),
  in2x: (body) =>
    call('SetChargingProfile', {
      evseId: evse2x(body) ?? 0,
      chargingProfile: {
        id: body.profile.id,
        transactionId:
          body.profile.transactionId === undefined ? undefined : String(body.profile.transactionId),
        chargingProfilePurpose: purpose2x(body.profile.purpose),
        ...common(body.profile),
        chargingSchedule: [{ id: 1, ...schedule(body.profile) }],
      },
    }),
});

/** 1.6 section 5.5; 2.x use case K10. */
export const clearChargingProfile = operation({
  name: 'clear-charging-profile',
  summary: 'Remove charging profiles',
  shape: {
    profileId: z.int().min(0).optional(),
    ...outletShape,
    purpose: purpose.optional(),
    stackLevel: z.int().min(0).optional(),
  },
  example: { profileId: 1784203 },
  in16: (body) =>
    call('ClearChargingProfile', {
      id: body.profileId,
      connectorId: connector16(body),
      chargingProfilePurpose: purpose16(body.purpose),
      stackLevel: body.stackLevel,
    }),
  in2x: (body) => {
    const criteria = {
      evseId: evse2x(body),
      chargingProfilePurpose: purpose2x(body.purpose),
      stackLevel: body.stackLevel,
    };
    const given = Object.values(criteria).some((value) => value !== undefined);
    return call('ClearChargingProfile', {
      chargingProfileId: body.profileId,
      chargingProfileCriteria: given ? criteria : undefined,
    });
  },
});

/** 1.6 section 5.7; 2.x use case K08. */
export const getCompositeSchedule = operation({
  name: 'get-composite-schedule',
  summary: 'Ask what limits apply in the time ahead',
  shape: { ...outletShape, durationSeconds: z.int().min(0).default(86_400), unit: rateUnit.optional() },
  example: { connectorId: 1, durationSeconds: 3_600 },
  in16: (body) =>
    call('GetCompositeSchedule', {
      connectorId: connector16(body) ?? 0,
      duration: body.durationSeconds,
      chargingRateUnit: body.unit,
    }),
  in2x: (body) =>
    call('GetCompositeSchedule', {
      evseId: evse2x(body) ?? 0,
      duration: body.durationSeconds,
      chargingRateUnit: body.unit,
    }),
});

/** 2.x use case K09. */
export const getChargingProfiles = operation({
  name: 'get-charging-profiles',
  summary: 'Have a 2.x charger report its charging profiles (in ReportChargingProfiles)',
  shape: {
    evseId: z.int().min(0).optional(),
    profileIds: z.array(z.int()).min(1).max(100).optional(),
    purpose: purpose.optional(),
    stackLevel: z.int().min(0).optional(),
    requestId,
  },
  example: { evseId: 1 },
  in16: () => instead('OCPP 1.6 reports no profiles: use get-composite-schedule.'),
  in2x: (body) =>
    call('GetChargingProfiles', {
      requestId: body.requestId,
      evseId: body.evseId,
      chargingProfile: {
        chargingProfileId: body.profileIds,
        chargingProfilePurpose: purpose2x(body.purpose),
        stackLevel: body.stackLevel,
      },
    }),
});
