import type { Payload } from '../call.js';
import type { Device, Refusal } from '../dialect.js';
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
  { name: 'SupportedFeatureProfiles', read: () => 'Core,RemoteTrigger' },
];

const status = (word: string): Payload => ({ status: word });

/** Replies of OCPP 1.6 charge points. `undefined`: known, but not supported by these. */
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
  DataTransfer: () => status('UnknownVendorId'),
  // -1: local authorization lists are not supported (OCPP 1.6, 5.10).
  GetLocalListVersion: () => ({ listVersion: -1 }),
  SendLocalList: () => status('NotSupported'),
  ReserveNow: () => status('Rejected'),
  CancelReservation: () => status('Rejected'),
  SetChargingProfile: () => status('NotSupported'),
  ClearChargingProfile: () => status('Unknown'),
  GetCompositeSchedule: () => status('Rejected'),
  // No file name: there is nothing to upload (OCPP 1.6, 5.9).
  GetDiagnostics: () => ({}),
  UpdateFirmware: undefined,
  ExtendedTriggerMessage: undefined,
  GetLog: undefined,
  SignedUpdateFirmware: undefined,
  InstallCertificate: undefined,
  DeleteCertificate: undefined,
  GetInstalledCertificateIds: undefined,
  CertificateSigned: undefined,
};

export const reply = (action: string, payload: Payload, device: Device): Payload | Refusal =>
  replyFrom(REPLIES, action, payload, device);
