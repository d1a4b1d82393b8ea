import type { Payload } from '../call.js';
import type { Device, Refusal } from '../dialect.js';
import { fileName, report, SIGNED_UPDATE, UPDATE, UPLOAD } from '../jobs.js';
import { LIST_ENTRIES, LIST_PER_MESSAGE } from '../memory.js';
import { type ReplyTable, replyFrom } from '../replies.js';
import { type Key, numberKey, passwordKey, switchKey } from '../settings.js';

/** Configuration keys of OCPP 1.6, chapter 9, that these chargers have. */
const keys = (device: Device): Key[] => [
  numberKey('HeartbeatInterval', 'heartbeatSeconds', 1),
  numberKey('MeterValueSampleInterval', 'sampleSeconds', 1),
  numberKey('TransactionMessageAttempts', 'attempts', 1),
  numberKey('TransactionMessageRetryInterval', 'retrySeconds'),
  switchKey('AuthorizeRemoteTxRequests', 'authorizeRemote'),
  // Up to 20 bytes in hexadecimal; the password itself is the bytes (OCPP-J 1.6, 6.2). Write-only.
  passwordKey('AuthorizationKey', /^([0-9a-fA-F]{2}){16,20}$/, 'hex'),
  { name: 'NumberOfConnectors', read: () => String(device.profile.connectors) },
  { name: 'LocalAuthListMaxLength', read: () => String(LIST_ENTRIES) },
  { name: 'SendLocalListMaxLength', read: () => String(LIST_PER_MESSAGE) },
  { name: 'ChargeProfileMaxStackLevel', read: () => '8' },
  {
    name: 'SupportedFeatureProfiles',
    read: () => 'Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger',
  },
];

const status = (word: string): Payload => ({ status: word });

/** Replies of OCPP 1.6 charge points. */
const REPLIES: ReplyTable = {
  Reset: ({ type }, device) => {
    device.reset(type === 'Hard' ? 'HardReset' : 'SoftReset', false);
    return status('Accepted');
  },
  RemoteStartTransaction: ({ connectorId, idTag }, device) =>
    status(
      device.remoteStart(connectorId as number | undefined, idTag as string, undefined)
        ? 'Accepted'
        : 'Rejected',
    ),
  RemoteStopTransaction: ({ transactionId }, device) =>
    status(device.remoteStop(String(transactionId)) ? 'Accepted' : 'Rejected'),
  ChangeConfiguration: ({ key, value }, device) => {
    const known = keys(device).find(({ name }) => name === key);
    if (known === undefined) return status('NotSupported');
    return status(known.write?.(device.settings, String(value)) ? 'Accepted' : 'Rejected');
  },
  GetConfiguration: ({ key }, device) => {
    const asked = key as string[] | undefined;
    const wanted = asked?.length ? asked : undefined;
    const known = keys(device).filter(
      ({ name, read }) => read !== undefined && (wanted?.includes(name) ?? true),
    );
    const unknownKey = wanted?.filter((name) => !known.some((one) => one.name === name)) ?? [];
    return {
      configurationKey: known.map(({ name, read, write }) => ({
        key: name,
        readonly: write === undefined,
        value: read!(device.settings),
      })),
      ...(unknownKey.length > 0 ? { unknownKey } : {}),
    };
  },
  TriggerMessage: ({ requestedMessage, connectorId }, device) =>
    status(device.trigger(requestedMessage as string, connectorId as number | undefined)),
  ChangeAvailability: ({ connectorId, type }, device) =>
    status(device.setOperative(connectorId as number, type === 'Operative')),
  UnlockConnector: ({ connectorId }, device) =>
    status(device.unlock(connectorId as number) ? 'Unlocked' : 'UnlockFailed'),
  ClearCache: () => status('Accepted'),
  // Its own vendor's messages alone.
  DataTransfer: ({ vendorId }, { profile }) =>
    status(vendorId === profile.vendor ? 'Accepted' : 'UnknownVendorId'),
  GetLocalListVersion: (_payload, { memory }) => ({ listVersion: memory.localListVersion }),
  SendLocalList: ({ listVersion, updateType, localAuthorizationList = [] }, { memory }) =>
    status(
      memory.updateList(
        listVersion as number,
        updateType as string,
        (localAuthorizationList as { idTag: string; idTagInfo?: Payload }[]).map(({ idTag, idTagInfo }) => ({
          token: idTag,
          info: idTagInfo,
        })),
      ),
    ),
  ReserveNow: ({ connectorId, expiryDate, idTag, reservationId }, device) =>
    status(
      device.reserve(
        connectorId as number,
        { id: reservationId as number, idTag: idTag as string, untilMs: Date.parse(expiryDate as string) },
        () => {},
      ),
    ),
  CancelReservation: ({ reservationId }, device) =>
    status(device.cancelReservation(reservationId as number) ? 'Accepted' : 'Rejected'),
  SetChargingProfile: ({ connectorId, csChargingProfiles }, device) => {
    if ((connectorId as number) > device.profile.connectors) return status('Rejected');
    const given = csChargingProfiles as Profile16;
    device.memory.setProfile({
      id: given.chargingProfileId,
      connectorId: connectorId as number,
      purpose: given.chargingProfilePurpose,
      stackLevel: given.stackLevel,
      unit: given.chargingSchedule.chargingRateUnit,
      periods: given.chargingSchedule.chargingSchedulePeriod,
      given: { ...given },
    });
    return status('Accepted');
  },
  ClearChargingProfile: ({ id, connectorId, chargingProfilePurpose, stackLevel }, { memory }) =>
    status(
      memory.clearProfiles((one) =>
        id === undefined
          ? (connectorId ?? one.connectorId) === one.connectorId &&
            (chargingProfilePurpose ?? one.purpose) === one.purpose &&
            (stackLevel ?? one.stackLevel) === one.stackLevel
          : one.id === id,
      )
        ? 'Accepted'
        : 'Unknown',
    ),
  GetCompositeSchedule: ({ connectorId, duration }, { memory, profile, shown }) => {
    if ((connectorId as number) > profile.connectors) return status('Rejected');
    const [first] = memory.profilesFor(connectorId as number);
    return {
      status: 'Accepted',
      connectorId: connectorId as number,
      scheduleStart: new Date(shown).toISOString(),
      chargingSchedule: {
        duration: duration as number,
        chargingRateUnit: first?.unit ?? 'W',
        chargingSchedulePeriod: first?.periods ?? [{ startPeriod: 0, limit: profile.maxPowerW }],
      },
    };
  },
  GetDiagnostics: (_payload, device) => {
    report(device, 'DiagnosticsStatusNotification', UPLOAD);
    return { fileName: fileName(device, 'diagnostics') };
  },
  UpdateFirmware: (_payload, device) => {
    report(device, 'FirmwareStatusNotification', UPDATE);
    return {};
  },
  // The security whitepaper, 2nd edition.
  ExtendedTriggerMessage: ({ requestedMessage, connectorId }, device) =>
    status(device.trigger(requestedMessage as string, connectorId as number | undefined)),
  GetLog: ({ logType, requestId }, device) => {
    report(device, 'LogStatusNotification', UPLOAD, { requestId });
    return { status: 'Accepted', filename: fileName(device, String(logType).toLowerCase()) };
  },
  SignedUpdateFirmware: ({ requestId }, device) => {
    report(device, 'SignedFirmwareStatusNotification', SIGNED_UPDATE, { requestId });
    return status('Accepted');
  },
  InstallCertificate: ({ certificateType, certificate }, { memory }) => {
    memory.install(certificateType as string, certificate as string);
    return status('Accepted');
  },
  DeleteCertificate: ({ certificateHashData }, { memory }) =>
    status(memory.deleteCertificate(certificateHashData as object) ? 'Accepted' : 'NotFound'),
  GetInstalledCertificateIds: ({ certificateType }, { memory }) => {
    const found = memory.certificates.filter(({ type }) => type === certificateType);
    return found.length === 0
      ? status('NotFound')
      : { status: 'Accepted', certificateHashData: found.map(({ hash }) => hash) };
  },
  CertificateSigned: () => status('Accepted'),
};

interface Profile16 {
  chargingProfileId: number;
  chargingProfilePurpose: string;
  stackLevel: number;
  chargingSchedule: {
    chargingRateUnit: string;
    chargingSchedulePeriod: { startPeriod: number; limit: number }[];
  };
}

export const reply = (action: string, payload: Payload, device: Device): Payload | Refusal =>
  replyFrom(REPLIES, action, payload, device);
