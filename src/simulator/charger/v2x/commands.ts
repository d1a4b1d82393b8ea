import type { Payload } from '../call.js';
import type { Device, Refusal } from '../dialect.js';
import { type ReplyTable, replyFrom } from '../replies.js';
import { type Key, numberKey, passwordKey, switchKey } from '../settings.js';

interface Variable {
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
    passwordKey('SecurityCtrlr.BasicAuthPassword', /^.{16,64}$/, 'utf8'),
  ].map((key) => [key.name, key]),
);

const status = (word: string): Payload => ({ status: word });

/** Replies of OCPP 2.0.1 and 2.1 stations. `undefined`: known, but not supported by these. */
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
    getVariableResult: (getVariableData as Variable[]).map(({ component, variable }) => {
      const key = VARIABLES.get(nameOf({ component, variable }));
      const value = key?.read?.(device.settings);
      return {
        attributeStatus:
          value !== undefined ? 'Accepted' : key === undefined ? 'UnknownVariable' : 'Rejected',
        ...(value === undefined ? {} : { attributeValue: value }),
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
  DataTransfer: () => status('UnknownVendorId'),
  GetLocalListVersion: () => ({ versionNumber: 0 }),
  SendLocalList: () => status('Failed'),
  CancelReservation: () => status('Rejected'),
  ReserveNow: () => status('Rejected'),
  SetChargingProfile: () => status('Rejected'),
  GetChargingProfiles: () => status('NoProfiles'),
  ClearChargingProfile: () => status('Unknown'),
  GetCompositeSchedule: () => status('Rejected'),
  GetBaseReport: () => status('NotSupported'),
  GetReport: () => status('NotSupported'),
  GetMonitoringReport: () => status('NotSupported'),
  GetLog: () => status('Rejected'),
  UpdateFirmware: () => status('Rejected'),
  GetInstalledCertificateIds: () => status('NotFound'),
  DeleteCertificate: () => status('NotFound'),
  InstallCertificate: () => status('Rejected'),
  CertificateSigned: () => status('Rejected'),
  SetNetworkProfile: () => status('Rejected'),
  CostUpdated: () => ({}),
  SetDisplayMessage: () => status('Rejected'),
  GetDisplayMessages: () => status('Unknown'),
  ClearDisplayMessage: () => status('Unknown'),
  CustomerInformation: () => status('Rejected'),
  ClearVariableMonitoring: undefined,
  SetVariableMonitoring: undefined,
  SetMonitoringBase: undefined,
  SetMonitoringLevel: undefined,
  PublishFirmware: undefined,
  UnpublishFirmware: undefined,
};

export const reply = (action: string, payload: Payload, device: Device): Payload | Refusal =>
  replyFrom(REPLIES, action, payload, device);
