/**
 * The one table of what a central system may ask of a charger: every action of OCPP 1.6 (core, firmware, local list,
 * reservation, smart charging, remote trigger, and the security whitepaper, 2nd edition), 2.0.1 and 2.1, with the
 * answers that mean that the charger does as it was asked. `actions.test.ts` holds it to the official schemas: an action
 * that is missing here, a status that no schema knows, or a row for an action that does not exist fails there.
 *
 * "Accepted" is strict: what was asked for is done, under way or planned. A charger that says that there is nothing of
 * the kind (NotFound, NoProfiles, EmptyResultSet, Unknown) has not done it; its word is in the record.
 */
import type { Payload } from '../payload.js';
import { isObject } from '../payload.js';
import { PROTOCOLS, type Protocol } from '../record.js';

/** Where an answer says how it went, and which words are good. */
export type AnswerRule =
  | { readonly kind: 'status'; readonly good: readonly string[] }
  /** A list of results, each with its own status: accepted when all of them are good. */
  | {
      readonly kind: 'results';
      readonly list: string;
      readonly status: string;
      readonly good: readonly string[];
    }
  /** The answer is the information asked for, or empty: an answer at all is acceptance. */
  | { readonly kind: 'none' };

/**
 * A number that belongs to the central system: filled in where the caller left it out, and then part of the command's
 * record, so that what the charger has (a reservation, a profile, a list, a job) is tied to the command it came by.
 */
export interface OwnNumber {
  readonly what:
    | 'reservation'
    | 'charging-profile'
    | 'local-list'
    | 'request'
    | 'remote-start'
    | 'display-message';
  /** Property names; filled in only where the object around it is there. */
  readonly path: readonly string[];
}

export interface CommandAction {
  readonly answer: AnswerRule;
  readonly own?: readonly OwnNumber[];
}

type Row = Partial<Record<Protocol, CommandAction>>;

const status = (...good: string[]): AnswerRule => ({ kind: 'status', good });
const results = (list: string, word: string, ...good: string[]): AnswerRule => ({
  kind: 'results',
  list,
  status: word,
  good,
});
const ACCEPTED = status('Accepted');
/** A job of the same kind that ran was cancelled for it. */
const JOB = status('Accepted', 'AcceptedCanceled');
const NONE: AnswerRule = { kind: 'none' };

const own = (what: OwnNumber['what'], ...path: string[]): OwnNumber[] => [{ what, path }];
const REQUEST = own('request', 'requestId');

const in16 = (answer: AnswerRule, numbers?: readonly OwnNumber[]): Row => ({
  'ocpp1.6': { answer, ...(numbers === undefined ? {} : { own: numbers }) },
});
const in21 = (answer: AnswerRule, numbers?: readonly OwnNumber[]): Row => ({
  'ocpp2.1': { answer, ...(numbers === undefined ? {} : { own: numbers }) },
});
const in2x = (answer: AnswerRule, numbers?: readonly OwnNumber[]): Row => ({
  'ocpp2.0.1': { answer, ...(numbers === undefined ? {} : { own: numbers }) },
  ...in21(answer, numbers),
});
const everywhere = (answer: AnswerRule): Row => ({ ...in16(answer), ...in2x(answer) });

const ROWS: Record<string, Row> = {
  AFRRSignal: in21(ACCEPTED),
  AdjustPeriodicEventStream: in21(ACCEPTED),
  CancelReservation: everywhere(ACCEPTED),
  CertificateSigned: everywhere(ACCEPTED),
  ChangeAvailability: everywhere(status('Accepted', 'Scheduled')),
  ChangeConfiguration: in16(status('Accepted', 'RebootRequired')),
  ChangeTransactionTariff: in21(ACCEPTED),
  ClearCache: everywhere(ACCEPTED),
  ClearChargingProfile: everywhere(ACCEPTED),
  ClearDERControl: in21(ACCEPTED),
  ClearDisplayMessage: in2x(ACCEPTED),
  ClearTariffs: in21(results('clearTariffsResult', 'status', 'Accepted')),
  ClearVariableMonitoring: in2x(results('clearMonitoringResult', 'status', 'Accepted')),
  CostUpdated: in2x(NONE),
  CustomerInformation: in2x(ACCEPTED, REQUEST),
  DataTransfer: everywhere(ACCEPTED),
  DeleteCertificate: everywhere(ACCEPTED),
  ExtendedTriggerMessage: in16(ACCEPTED),
  GetBaseReport: in2x(ACCEPTED, REQUEST),
  GetChargingProfiles: in2x(ACCEPTED, REQUEST),
  GetCompositeSchedule: everywhere(ACCEPTED),
  GetConfiguration: in16(NONE),
  GetDERControl: in21(ACCEPTED, REQUEST),
  GetDiagnostics: in16(NONE),
  GetDisplayMessages: in2x(ACCEPTED, REQUEST),
  GetInstalledCertificateIds: everywhere(ACCEPTED),
  GetLocalListVersion: everywhere(NONE),
  GetLog: { ...in16(JOB, REQUEST), ...in2x(JOB, REQUEST) },
  GetMonitoringReport: in2x(ACCEPTED, REQUEST),
  GetPeriodicEventStream: in21(NONE),
  GetReport: in2x(ACCEPTED, REQUEST),
  GetTariffs: in21(ACCEPTED),
  GetTransactionStatus: in2x(NONE),
  GetVariables: in2x(results('getVariableResult', 'attributeStatus', 'Accepted')),
  InstallCertificate: everywhere(ACCEPTED),
  NotifyAllowedEnergyTransfer: in21(ACCEPTED),
  NotifyWebPaymentStarted: in21(NONE),
  PublishFirmware: in2x(ACCEPTED, REQUEST),
  RemoteStartTransaction: in16(ACCEPTED, own('charging-profile', 'chargingProfile', 'chargingProfileId')),
  RemoteStopTransaction: in16(ACCEPTED),
  RequestBatterySwap: in21(ACCEPTED, REQUEST),
  RequestStartTransaction: in2x(ACCEPTED, [
    ...own('remote-start', 'remoteStartId'),
    ...own('charging-profile', 'chargingProfile', 'id'),
  ]),
  RequestStopTransaction: in2x(ACCEPTED),
  ReserveNow: {
    ...in16(ACCEPTED, own('reservation', 'reservationId')),
    ...in2x(ACCEPTED, own('reservation', 'id')),
  },
  Reset: { ...in16(ACCEPTED), ...in2x(status('Accepted', 'Scheduled')) },
  SendLocalList: {
    ...in16(ACCEPTED, own('local-list', 'listVersion')),
    ...in2x(ACCEPTED, own('local-list', 'versionNumber')),
  },
  SetChargingProfile: {
    ...in16(ACCEPTED, own('charging-profile', 'csChargingProfiles', 'chargingProfileId')),
    ...in2x(ACCEPTED, own('charging-profile', 'chargingProfile', 'id')),
  },
  SetDERControl: in21(ACCEPTED),
  SetDefaultTariff: in21(ACCEPTED),
  SetDisplayMessage: in2x(ACCEPTED, own('display-message', 'message', 'id')),
  SetMonitoringBase: in2x(ACCEPTED),
  SetMonitoringLevel: in2x(ACCEPTED),
  SetNetworkProfile: in2x(ACCEPTED),
  SetVariableMonitoring: in2x(results('setMonitoringResult', 'status', 'Accepted')),
  SetVariables: in2x(results('setVariableResult', 'attributeStatus', 'Accepted', 'RebootRequired')),
  SignedUpdateFirmware: in16(JOB, REQUEST),
  TriggerMessage: everywhere(ACCEPTED),
  UnlockConnector: everywhere(status('Unlocked')),
  UnpublishFirmware: in2x(status('Unpublished')),
  UpdateDynamicSchedule: in21(ACCEPTED),
  UpdateFirmware: { ...in16(NONE), ...in2x(JOB, REQUEST) },
  UsePriorityCharging: in21(ACCEPTED),
};

const tableOf = (protocol: Protocol): ReadonlyMap<string, CommandAction> =>
  new Map(
    Object.entries(ROWS).flatMap(([name, row]) => {
      const action = row[protocol];
      return action === undefined ? [] : [[name, action] as const];
    }),
  );

const TABLES: Record<Protocol, ReadonlyMap<string, CommandAction>> = {
  'ocpp1.6': tableOf('ocpp1.6'),
  'ocpp2.0.1': tableOf('ocpp2.0.1'),
  'ocpp2.1': tableOf('ocpp2.1'),
};

/** What may be asked of a charger that speaks this version. */
export const commandActions = (protocol: Protocol): ReadonlyMap<string, CommandAction> => TABLES[protocol];

/** Every action that some version has. */
export const ALL_COMMAND_ACTIONS: readonly string[] = Object.keys(ROWS);

/** The versions that have an action; empty: there is no such action. */
export const versionsOf = (action: string): Protocol[] =>
  PROTOCOLS.filter((protocol) => TABLES[protocol].has(action));

export interface Judgement {
  readonly accepted: boolean;
  /** The charger's own word; of several the first that is not good, else the first that is not simply Accepted. */
  readonly status: string;
}

/**
 * What a CALLRESULT means. An answer that does not say how it went, though it should, is no acceptance; one that hurts
 * its schema elsewhere is judged like any other.
 */
export function judgeAnswer(protocol: Protocol, action: string, response: Payload): Judgement {
  const rule = TABLES[protocol].get(action)?.answer ?? NONE;
  if (rule.kind === 'none') return { accepted: true, status: '' };
  const words =
    rule.kind === 'status' ? [wordOf(response.status)] : wordsIn(response[rule.list], rule.status);
  const bad = words.find((word) => !rule.good.includes(word));
  if (words.length === 0 || bad !== undefined) return { accepted: false, status: bad ?? '' };
  return { accepted: true, status: words.find((word) => word !== 'Accepted') ?? 'Accepted' };
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const wordsIn = (list: unknown, status: string): string[] =>
  Array.isArray(list) ? list.map((one) => (isObject(one) ? wordOf(one[status]) : '')) : [];
