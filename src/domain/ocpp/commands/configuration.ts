import { z } from 'zod';
import {
  call,
  connector2x,
  connector16,
  evse2x,
  instead,
  operation,
  outletShape,
  type Translated,
  wrong,
} from './operation.js';

const named = z.strictObject({ name: z.string().min(1).max(50), instance: z.string().max(50).optional() });
const component = named.extend({
  evse: z.strictObject({ id: z.int().min(0), connectorId: z.int().min(0).optional() }).optional(),
});
const attributeType = z.enum(['Actual', 'Target', 'MinSet', 'MaxSet']).optional();
const key = z
  .string()
  .min(1)
  .max(110)
  .describe('1.6: a configuration key. 2.x: Component.Variable or Component.Variable[instance]');

/** Either a key, or (2.x only) component and variable in full. */
const referenceShape = {
  key: key.optional(),
  component: component.optional().describe('2.x, with `variable`, in the place of `key`'),
  variable: named.optional(),
  attributeType,
};
const reference = z.strictObject(referenceShape);
type Reference = z.output<typeof reference>;
type Name = z.output<typeof named>;

/**
 * Keys of 1.6 chapter 9 and of the security whitepaper whose meaning has one variable in 2.x (Part 2, appendix 3): a
 * program that knows 1.6 can change them on any charger.
 */
const VARIABLE_OF_KEY: Record<string, string> = {
  AuthorizationKey: 'SecurityCtrlr.BasicAuthPassword',
  AuthorizeRemoteTxRequests: 'AuthCtrlr.AuthorizeRemoteStart',
  ClockAlignedDataInterval: 'AlignedDataCtrlr.Interval',
  ConnectionTimeOut: 'TxCtrlr.EVConnectionTimeOut',
  HeartbeatInterval: 'OCPPCommCtrlr.HeartbeatInterval',
  LocalAuthListEnabled: 'LocalAuthListCtrlr.Enabled',
  LocalAuthorizeOffline: 'AuthCtrlr.LocalAuthorizeOffline',
  LocalPreAuthorize: 'AuthCtrlr.LocalPreAuthorize',
  MeterValueSampleInterval: 'SampledDataCtrlr.TxUpdatedInterval',
  MeterValuesSampledData: 'SampledDataCtrlr.TxUpdatedMeasurands',
  StopTransactionOnInvalidId: 'TxCtrlr.StopTxOnInvalidId',
  WebSocketPingInterval: 'OCPPCommCtrlr.WebSocketPingInterval',
};

/** The variable that a reference means; undefined when it means none. */
function variable2x(of: Reference): { component: z.output<typeof component>; variable: Name } | undefined {
  if (of.component !== undefined && of.variable !== undefined)
    return { component: of.component, variable: of.variable };
  const text = of.key === undefined ? undefined : (VARIABLE_OF_KEY[of.key] ?? of.key);
  const [, name, variable, instance] =
    /^([^.[\]]{1,50})\.([^.[\]]{1,50})(?:\[([^[\]]{1,50})\])?$/.exec(text ?? '') ?? [];
  if (name === undefined || variable === undefined) return undefined;
  return {
    component: { name },
    variable: { name: variable, ...(instance === undefined ? {} : { instance }) },
  };
}

const NOT_A_VARIABLE =
  'must be Component.Variable (or give component and variable): this charger speaks OCPP 2.x';

/** 1.6 section 5.3; 2.x use case B05. */
export const changeConfiguration = operation({
  name: 'change-configuration',
  summary: 'Change one setting of a charger',
  shape: { ...referenceShape, value: z.string().max(2_500).describe('1.6: at most 500 characters') },
  example: { key: 'HeartbeatInterval', value: '300' },
  in16: ({ key, value }) =>
    key === undefined
      ? wrong('key', 'is required: this charger speaks OCPP 1.6')
      : call('ChangeConfiguration', { key, value }),
  in2x: ({ value, ...of }) => {
    const found = variable2x(of);
    return found === undefined
      ? wrong('key', NOT_A_VARIABLE)
      : call('SetVariables', {
          setVariableData: [{ attributeType: of.attributeType, attributeValue: value, ...found }],
        });
  },
});

const inAll = (
  of: readonly (string | Reference)[],
  make: (found: object, reference: Reference, index: number) => object,
  action: string,
  list: string,
): Translated => {
  const data: object[] = [];
  for (const [index, one] of of.entries()) {
    const reference = typeof one === 'string' ? { key: one } : one;
    const found = variable2x(reference);
    if (found === undefined) return wrong(`variables[${index}]`, NOT_A_VARIABLE);
    data.push(make(found, reference, index));
  }
  return call(action, { [list]: data });
};

const getAll = (of: readonly (string | Reference)[]): Translated =>
  inAll(of, (found, { attributeType }) => ({ attributeType, ...found }), 'GetVariables', 'getVariableData');

/** 1.6 section 5.8; 2.x use case B06. */
export const getConfiguration = operation({
  name: 'get-configuration',
  summary: 'Read settings of a charger',
  shape: { keys: z.array(key).max(100).optional().describe('1.6: all when left out') },
  example: { keys: ['HeartbeatInterval'] },
  in16: ({ keys }) => call('GetConfiguration', { key: keys }),
  in2x: ({ keys }) =>
    keys === undefined || keys.length === 0
      ? instead('OCPP 2.x answers no question for all variables: name keys, or use get-base-report.')
      : getAll(keys),
});

/** 2.x use case B06. */
export const getVariables = operation({
  name: 'get-variables',
  summary: 'Read variables of a 2.x charger',
  shape: {
    variables: z
      .array(z.union([key, reference]))
      .min(1)
      .max(100),
  },
  example: { variables: ['OCPPCommCtrlr.HeartbeatInterval'] },
  in16: () => instead('OCPP 1.6 has no variables: use get-configuration.'),
  in2x: ({ variables }) => getAll(variables),
});

/** 2.x use case B05. */
export const setVariables = operation({
  name: 'set-variables',
  summary: 'Change variables of a 2.x charger',
  shape: {
    variables: z
      .array(z.strictObject({ ...referenceShape, value: z.string().max(2_500) }))
      .min(1)
      .max(100),
  },
  example: { variables: [{ key: 'OCPPCommCtrlr.HeartbeatInterval', value: '300' }] },
  in16: () => instead('OCPP 1.6 has no variables: use change-configuration, one key at a time.'),
  in2x: ({ variables }) =>
    inAll(
      variables,
      (found, { attributeType }, index) => ({
        attributeType,
        attributeValue: variables[index]?.value,
        ...found,
      }),
      'SetVariables',
      'setVariableData',
    ),
});

/** 2.x use case B07. */
export const getBaseReport = operation({
  name: 'get-base-report',
  summary: 'Have a 2.x charger report its variables (in NotifyReport)',
  shape: {
    reportBase: z
      .enum(['ConfigurationInventory', 'FullInventory', 'SummaryInventory'])
      .default('FullInventory'),
    requestId: z.int().min(0).optional().describe('Made from the command id when left out'),
  },
  example: { reportBase: 'FullInventory' },
  in16: () => instead('OCPP 1.6 has no reports: use get-configuration without keys.'),
  in2x: ({ reportBase, requestId }) => call('GetBaseReport', { requestId, reportBase }),
});

/** 1.6 section 5.14: Soft and Hard; 2.x use cases B11, B12: OnIdle and Immediate. Either pair is taken for both. */
export const reset = operation({
  name: 'reset',
  summary: 'Restart a charger',
  shape: {
    type: z.enum(['Soft', 'Hard', 'OnIdle', 'Immediate']).default('Soft'),
    evseId: z.int().min(0).optional().describe('2.x: this EVSE alone'),
  },
  example: { type: 'Soft' },
  in16: ({ type, evseId }) =>
    evseId !== undefined
      ? wrong('evseId', 'OCPP 1.6 restarts the charger as a whole: leave it out')
      : call('Reset', { type: type === 'OnIdle' ? 'Soft' : type === 'Immediate' ? 'Hard' : type }),
  in2x: ({ type, evseId }) =>
    call('Reset', { type: type === 'Soft' ? 'OnIdle' : type === 'Hard' ? 'Immediate' : type, evseId }),
});

/** 1.6 section 5.2; 2.x use cases G03, G04. */
export const changeAvailability = operation({
  name: 'change-availability',
  summary: 'Take a charger or a connector out of service, or back into it',
  shape: { ...outletShape, type: z.enum(['Operative', 'Inoperative']) },
  example: { connectorId: 1, type: 'Inoperative' },
  in16: (body) =>
    // 0: the charge point and all its connectors.
    call('ChangeAvailability', { connectorId: connector16(body) ?? 0, type: body.type }),
  in2x: (body) => {
    const id = evse2x(body) ?? 0;
    return call('ChangeAvailability', {
      // Left out: the station as a whole.
      evse: id === 0 ? undefined : { id, connectorId: connector2x(body) },
      operationalStatus: body.type,
    });
  },
});

/** 1.6 section 5.4; 2.x use case C11. */
export const clearCache = operation({
  name: 'clear-cache',
  summary: 'Clear the authorization cache of a charger',
  shape: {},
  example: {},
  in16: () => call('ClearCache'),
  in2x: () => call('ClearCache'),
});

/** What ExtendedTriggerMessage alone knows in 1.6 (security whitepaper, 5.1). */
const EXTENDED = new Set(['LogStatusNotification', 'SignChargePointCertificate']);
const WORD_16: Record<string, string> = {
  SignChargingStationCertificate: 'SignChargePointCertificate',
};
const WORD_2X: Record<string, string> = {
  DiagnosticsStatusNotification: 'LogStatusNotification',
  SignChargePointCertificate: 'SignChargingStationCertificate',
};

/** 1.6 section 5.17; 2.x use case F06. */
export const triggerMessage = operation({
  name: 'trigger-message',
  summary: 'Have a charger send a message now',
  shape: {
    message: z
      .string()
      .min(1)
      .max(50)
      .describe('BootNotification, Heartbeat, MeterValues, StatusNotification ...'),
    ...outletShape,
    customTrigger: z.string().max(50).optional().describe('2.1, with message CustomTrigger'),
  },
  example: { message: 'StatusNotification', connectorId: 1 },
  in16: (body) => {
    const requestedMessage = WORD_16[body.message] ?? body.message;
    return call(EXTENDED.has(requestedMessage) ? 'ExtendedTriggerMessage' : 'TriggerMessage', {
      requestedMessage,
      connectorId: connector16(body),
    });
  },
  in2x: (body) => {
    const id = evse2x(body);
    // F06.FR.12: a StatusNotification is asked for with the connector.
    const fallback = body.message === 'StatusNotification' ? 1 : undefined;
    return call('TriggerMessage', {
      requestedMessage: WORD_2X[body.message] ?? body.message,
      evse: id === undefined ? undefined : { id, connectorId: connector2x(body, fallback) },
      customTrigger: body.customTrigger,
    });
  },
});

/** 1.6 section 5.5; 2.x use case P01. */
export const dataTransfer = operation({
  name: 'data-transfer',
  summary: "Send a vendor's own message",
  shape: {
    vendorId: z.string().min(1).max(255),
    messageId: z.string().max(50).optional(),
    data: z.unknown().optional().describe('1.6 sends text: anything else as its JSON'),
  },
  example: { vendorId: 'com.example', messageId: 'Brightness', data: '40' },
  in16: ({ vendorId, messageId, data }) =>
    call('DataTransfer', {
      vendorId,
      messageId,
      data: data === undefined || typeof data === 'string' ? data : JSON.stringify(data),
    }),
  in2x: ({ vendorId, messageId, data }) => call('DataTransfer', { vendorId, messageId, data }),
});
