import type { Payload } from '../call.js';
import type { Device, Refusal } from '../dialect.js';
import { fileName, report, SIGNED_UPDATE, UPDATE, UPLOAD } from '../jobs.js';
import { LIST_ENTRIES, LIST_PER_MESSAGE } from '../memory.js';
import { type ReplyTable, replyFrom } from '../replies.js';
import { type Key, numberKey, passwordKey, switchKey } from '../settings.js';

interface Variable {
  attributeType?: string;
  component: { name: string };
  variable: { name: string; instance?: string };
}

const nameOf = ({ component, variable }: Variable): string =>
  `${component.name}.${variable.name}${variable.instance === undefined ? '' : `[${variable.instance}]`}`;

/** Component.Variable[Instance], 2.0.1 Part 2 appendix 3. */
const VARIABLES = new Map<string, Key>(
  [
    numberKey('OCPPCommCtrlr.HeartbeatInterval', 'heartbeatSeconds', 1),
    numberKey('SampledDataCtrlr.TxUpdatedInterval', 'sampleSeconds', 1),
    numberKey('OCPPCommCtrlr.MessageAttempts[TransactionEvent]', 'attempts', 1),
    numberKey('OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]', 'retrySeconds'),
    switchKey('AuthCtrlr.AuthorizeRemoteStart', 'authorizeRemote'),
    { name: 'LocalAuthListCtrlr.ItemsPerMessage', read: () => String(LIST_PER_MESSAGE) } satisfies Key,
    passwordKey('SecurityCtrlr.BasicAuthPassword', /^.{16,64}$/, 'utf8'),
  ].map((key) => [key.name, key]),
);

const ENTRIES = 'LocalAuthListCtrlr.Entries';
/** Attributes beside Actual. */
const MOST = new Map([[`${ENTRIES} MaxSet`, String(LIST_ENTRIES)]]);

const status = (word: string): Payload => ({ status: word });

/** Replies of OCPP 2.0.1 and 2.1 stations. */
const REPLIES: ReplyTable = {
  Reset: ({ type, evseId }, device) => {
    if (evseId !== undefined) return status('Rejected');
    const wait = type === 'OnIdle' && device.transactions().some((id) => id !== undefined);
    device.reset(type === 'Immediate' ? 'HardReset' : 'SoftReset', type === 'OnIdle');
    return status(wait ? 'Scheduled' : 'Accepted');
  },
  RequestStartTransaction: ({ evseId, idToken, remoteStartId }, device) =>
    status(
      device.remoteStart(
        evseId as number | undefined,
        (idToken as { idToken: string }).idToken,
        remoteStartId as number,
      )
        ? 'Accepted'
        : 'Rejected',
    ),
  RequestStopTransaction: ({ transactionId }, device) =>
    status(device.remoteStop(transactionId as string) ? 'Accepted' : 'Rejected'),
  GetVariables: ({ getVariableData }, device) => ({
    getVariableResult: (getVariableData as Variable[]).map(({ component, variable, attributeType }) => {
      const name = nameOf({ component, variable });
      const key = VARIABLES.get(name);
      const value =
        (attributeType ?? 'Actual') === 'Actual'
          ? key?.read?.(device.settings)
          : MOST.get(`${name} ${attributeType}`);
      const known = name === ENTRIES ? String(device.memory.localList.size) : undefined;
      const said = value ?? (attributeType === undefined || attributeType === 'Actual' ? known : undefined);
      return {
        attributeStatus:
          said !== undefined
            ? 'Accepted'
            : key === undefined && known === undefined
              ? 'UnknownVariable'
              : attributeType === undefined || attributeType === 'Actual'
                ? 'Rejected'
                : 'NotSupportedAttributeType',
        ...(attributeType === undefined ? {} : { attributeType }),
        ...(said === undefined ? {} : { attributeValue: said }),
        component,
        variable,
      };
    }),
  }),
  SetVariables: ({ setVariableData }, device) => ({
    setVariableResult: (setVariableData as (Variable & { attributeValue: string })[]).map(
      ({ component, variable, attributeValue }) => {
        const key = VARIABLES.get(nameOf({ component, variable }));
        const attributeStatus =
          key === undefined
            ? 'UnknownVariable'
            : key.write?.(device.settings, attributeValue)
              ? 'Accepted'
              : 'Rejected';
        return { attributeStatus, component, variable };
      },
    ),
  }),
  TriggerMessage: ({ requestedMessage, evse }, device) =>
    status(device.trigger(requestedMessage as string, (evse as { id: number } | undefined)?.id)),
  ChangeAvailability: ({ operationalStatus, evse }, device) =>
    status(
      device.setOperative((evse as { id: number } | undefined)?.id ?? 0, operationalStatus === 'Operative'),
    ),
  UnlockConnector: ({ evseId }, device) => {
    const transactions = device.transactions();
    const index = (evseId as number) - 1;
    if (index < 0 || index >= transactions.length) return status('UnknownConnector');
    if (transactions[index] !== undefined) return status('OngoingAuthorizedTransaction');
    return status(device.unlock(evseId as number) ? 'Unlocked' : 'UnlockFailed');
  },
  GetTransactionStatus: ({ transactionId }, device) => ({
    ...(transactionId === undefined
      ? {}
      : { ongoingIndicator: device.hasTransaction(transactionId as string) }),
    messagesInQueue: device.queued(transactionId as string | undefined),
  }),
  ClearCache: () => status('Accepted'),
  // Its own vendor's messages alone.
  DataTransfer: ({ vendorId }, { profile }) =>
    status(vendorId === profile.vendor ? 'Accepted' : 'UnknownVendorId'),
  GetLocalListVersion: (_payload, { memory }) => ({ versionNumber: memory.localListVersion }),
  SendLocalList: ({ versionNumber, updateType, localAuthorizationList = [] }, { memory }) =>
    status(
      memory.updateList(
        versionNumber as number,
        updateType as string,
        (localAuthorizationList as { idToken: { idToken: string }; idTokenInfo?: Payload }[]).map(
          ({ idToken, idTokenInfo }) => ({ token: idToken.idToken, info: idTokenInfo }),
        ),
      ),
    ),
  ReserveNow: ({ id, expiryDateTime, idToken, evseId }, device) =>
    status(
      device.reserve(
        evseId as number | undefined,
        {
          id: id as number,
          idTag: (idToken as { idToken: string }).idToken,
          untilMs: Date.parse(expiryDateTime as string),
        },
        () =>
          device.say(0, 'ReservationStatusUpdate', () => ({
            reservationId: id,
            reservationUpdateStatus: 'Expired',
          })),
      ),
    ),
  CancelReservation: ({ reservationId }, device) =>
    status(device.cancelReservation(reservationId as number) ? 'Accepted' : 'Rejected'),
  SetChargingProfile: ({ evseId, chargingProfile }, device) => {
    if ((evseId as number) > device.profile.connectors) return status('Rejected');
    const given = chargingProfile as Profile2x;
    const [schedule] = given.chargingSchedule;
    device.memory.setProfile({
      id: given.id,
      connectorId: evseId as number,
      purpose: given.chargingProfilePurpose,
      stackLevel: given.stackLevel,
      unit: schedule.chargingRateUnit,
      // 2.1 has periods without a limit, for what cars feed back: those limit nothing here.
      periods: schedule.chargingSchedulePeriod.map(({ startPeriod, limit }) => ({
        startPeriod,
        limit: limit ?? device.profile.maxPowerW,
      })),
      given: { ...given },
    });
    return status('Accepted');
  },
  GetChargingProfiles: ({ requestId, evseId, chargingProfile }, device) => {
    const { chargingProfileId, chargingProfilePurpose, stackLevel } = chargingProfile as {
      chargingProfileId?: number[];
      chargingProfilePurpose?: string;
      stackLevel?: number;
    };
    const found = device.memory.profiles.filter(
      (one) =>
        (evseId ?? one.connectorId) === one.connectorId &&
        (chargingProfileId?.includes(one.id) ?? true) &&
        (chargingProfilePurpose ?? one.purpose) === one.purpose &&
        (stackLevel ?? one.stackLevel) === one.stackLevel,
    );
    found.forEach((one, index) => {
      device.say(SOON_MS, 'ReportChargingProfiles', () => ({
        requestId,
        chargingLimitSource: 'CSO',
        evseId: one.connectorId,
        chargingProfile: [one.given],
        ...(index < found.length - 1 ? { tbc: true } : {}),
      }));
    });
    return status(found.length > 0 ? 'Accepted' : 'NoProfiles');
  },
  ClearChargingProfile: ({ chargingProfileId, chargingProfileCriteria }, { memory }) => {
    const { evseId, chargingProfilePurpose, stackLevel } = (chargingProfileCriteria ?? {}) as {
      evseId?: number;
      chargingProfilePurpose?: string;
      stackLevel?: number;
    };
    const found = memory.clearProfiles((one) =>
      chargingProfileId === undefined
        ? (evseId ?? one.connectorId) === one.connectorId &&
          (chargingProfilePurpose ?? one.purpose) === one.purpose &&
          (stackLevel ?? one.stackLevel) === one.stackLevel
        : one.id === chargingProfileId,
    );
    return status(found ? 'Accepted' : 'Unknown');
  },
  GetCompositeSchedule: ({ evseId, duration }, { memory, profile, shown }) => {
    if ((evseId as number) > profile.connectors) return status('Rejected');
    const [first] = memory.profilesFor(evseId as number);
    return {
      status: 'Accepted',
      schedule: {
        evseId: evseId as number,
        duration: duration as number,
        scheduleStart: new Date(shown).toISOString(),
        chargingRateUnit: first?.unit ?? 'W',
        chargingSchedulePeriod: first?.periods ?? [{ startPeriod: 0, limit: profile.maxPowerW }],
      },
    };
  },
  GetBaseReport: ({ requestId }, device) => {
    notifyReport(device, requestId as number);
    return status('Accepted');
  },
  GetReport: ({ requestId }, device) => {
    notifyReport(device, requestId as number);
    return status('Accepted');
  },
  // No monitors.
  GetMonitoringReport: () => status('EmptyResultSet'),
  SetMonitoringBase: () => status('Accepted'),
  SetMonitoringLevel: () => status('Accepted'),
  SetVariableMonitoring: ({ setMonitoringData }) => ({
    setMonitoringResult: (setMonitoringData as (Variable & { type: string; severity: number })[]).map(
      ({ component, variable, type, severity }) => ({
        status: 'UnsupportedMonitorType',
        type,
        severity,
        component,
        variable,
      }),
    ),
  }),
  ClearVariableMonitoring: ({ id }) => ({
    clearMonitoringResult: (id as number[]).map((one) => ({ id: one, status: 'NotFound' })),
  }),
  GetLog: ({ logType, requestId }, device) => {
    report(device, 'LogStatusNotification', UPLOAD, { requestId });
    return { status: 'Accepted', filename: fileName(device, String(logType).toLowerCase()) };
  },
  UpdateFirmware: ({ requestId, firmware }, device) => {
    const signed = (firmware as { signature?: string }).signature !== undefined;
    report(device, 'FirmwareStatusNotification', signed ? SIGNED_UPDATE : UPDATE, { requestId });
    return status('Accepted');
  },
  // For a local controller, which these are not.
  PublishFirmware: () => status('Rejected'),
  UnpublishFirmware: () => status('NoFirmware'),
  InstallCertificate: ({ certificateType, certificate }, { memory }) => {
    memory.install(certificateType as string, certificate as string);
    return status('Accepted');
  },
  DeleteCertificate: ({ certificateHashData }, { memory }) =>
    status(memory.deleteCertificate(certificateHashData as object) ? 'Accepted' : 'NotFound'),
  GetInstalledCertificateIds: ({ certificateType }, { memory }) => {
    const asked = certificateType as string[] | undefined;
    const found = memory.certificates.filter(({ type }) => asked?.includes(type) ?? true);
    return found.length === 0
      ? status('NotFound')
      : {
          status: 'Accepted',
          certificateHashDataChain: found.map(({ type, hash }) => ({
            certificateType: type,
            certificateHashData: hash,
          })),
        };
  },
  CertificateSigned: () => status('Accepted'),
  SetNetworkProfile: () => status('Accepted'),
  CostUpdated: () => ({}),
  SetDisplayMessage: ({ message }, { memory }) => {
    memory.displayMessages.set((message as { id: number }).id, message as Payload);
    return status('Accepted');
  },
  GetDisplayMessages: ({ requestId, id }, device) => {
    const asked = id as number[] | undefined;
    const found = [...device.memory.displayMessages].filter(([one]) => asked?.includes(one) ?? true);
    if (found.length > 0)
      device.say(SOON_MS, 'NotifyDisplayMessages', () => ({
        requestId,
        messageInfo: found.map(([, message]) => message),
      }));
    return status(found.length > 0 ? 'Accepted' : 'Unknown');
  },
  ClearDisplayMessage: ({ id }, { memory }) =>
    status(memory.displayMessages.delete(id as number) ? 'Accepted' : 'Unknown'),
  CustomerInformation: ({ requestId, report: wanted }, device) => {
    if (wanted === true)
      device.say(SOON_MS, 'NotifyCustomerInformation', () => ({
        requestId,
        seqNo: 0,
        generatedAt: new Date(device.shown).toISOString(),
        data: 'Nothing is kept here about anybody.',
      }));
    return status('Accepted');
  },
};

/** What 2.1 has beside that. */
const ONLY_21: ReplyTable = {
  AFRRSignal: () => status('Rejected'),
  AdjustPeriodicEventStream: () => status('Rejected'),
  ChangeTransactionTariff: ({ transactionId }, device) =>
    status(device.hasTransaction(transactionId as string) ? 'Accepted' : 'TxNotFound'),
  ClearDERControl: () => status('NotFound'),
  ClearTariffs: ({ tariffIds = [] }) => ({
    clearTariffsResult: ((tariffIds as string[]).length > 0 ? (tariffIds as string[]) : ['none']).map(
      (tariffId) => ({ tariffId, status: 'NoTariff' }),
    ),
  }),
  GetDERControl: () => status('NotFound'),
  GetPeriodicEventStream: () => ({}),
  GetTariffs: () => status('NoTariff'),
  NotifyAllowedEnergyTransfer: () => status('Accepted'),
  NotifyWebPaymentStarted: () => ({}),
  RequestBatterySwap: () => status('Rejected'),
  SetDERControl: () => status('NotSupported'),
  SetDefaultTariff: () => status('Accepted'),
  UpdateDynamicSchedule: () => status('Rejected'),
  UsePriorityCharging: () => status('NoProfile'),
};

interface Profile2x {
  id: number;
  chargingProfilePurpose: string;
  stackLevel: number;
  chargingSchedule: [
    { chargingRateUnit: string; chargingSchedulePeriod: { startPeriod: number; limit?: number }[] },
  ];
}

/** After the reply. */
const SOON_MS = 500;

/** All variables in one message: there are few. */
function notifyReport(device: Device, requestId: number): void {
  device.say(SOON_MS, 'NotifyReport', () => ({
    requestId,
    generatedAt: new Date(device.shown).toISOString(),
    seqNo: 0,
    reportData: [...VARIABLES.values()].map(({ name, read, write }) => {
      const [, component = '', variable = '', instance] = /^(\w+)\.(\w+)(?:\[(\w+)\])?$/.exec(name) ?? [];
      return {
        component: { name: component },
        variable: { name: variable, ...(instance === undefined ? {} : { instance }) },
        variableAttribute: [
          {
            type: 'Actual',
            mutability: read === undefined ? 'WriteOnly' : write === undefined ? 'ReadOnly' : 'ReadWrite',
            ...(read === undefined ? {} : { value: read(device.settings) }),
          },
        ],
      };
    }),
  }));
}

const IN_21: ReplyTable = { ...REPLIES, ...ONLY_21 };

export const reply = (action: string, payload: Payload, device: Device): Payload | Refusal =>
  replyFrom(device.profile.protocol === 'ocpp2.1' ? IN_21 : REPLIES, action, payload, device);
