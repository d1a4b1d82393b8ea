/**
 * Frames for load: rendered once, with only what must differ spliced in. A charger of the field would spend its
 * time in JSON.stringify; a load generator must leave the processor to the server it measures.
 */
export const LOAD_ACTIONS = [
  'Heartbeat',
  'StatusNotification',
  'MeterValues',
  'StartTransaction',
  'StopTransaction',
  'TransactionEvent',
] as const;
export type LoadAction = (typeof LOAD_ACTIONS)[number];

/** What is spliced in. `transactionId` is JSON as it stands in the frame: a number, or a quoted string for 2.x. */
export interface Spliced {
  readonly messageId: string;
  readonly timestamp: string;
  readonly transactionId: string;
  /** Rises with every frame of a connection: meter readings and seqNo. */
  readonly count: number;
}

type Template = (spliced: Spliced) => string;

const phases16 = ['L1', 'L2', 'L3'].flatMap((phase) => [
  { value: '15.94', context: 'Sample.Periodic', measurand: 'Current.Import', phase, unit: 'A' },
  {
    value: '230.1',
    context: 'Sample.Periodic',
    measurand: 'Voltage',
    phase: `${phase}-N`,
    unit: 'V',
  },
]);
const phases2x = ['L1', 'L2', 'L3'].flatMap((phase) => [
  { value: 15.94, measurand: 'Current.Import', phase, unitOfMeasure: { unit: 'A' } },
  { value: 230.1, measurand: 'Voltage', phase: `${phase}-N`, unitOfMeasure: { unit: 'V' } },
]);

/** 24, 129, 931, 124, 146 and 1 040 bytes with short ids. */
const TEMPLATES: Record<LoadAction, Template> = {
  Heartbeat: ({ messageId }) => `[2,"${messageId}","Heartbeat",{}]`,
  StatusNotification: ({ messageId, timestamp }) =>
    `[2,"${messageId}","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging","timestamp":"${timestamp}"}]`,
  MeterValues: (() => {
    const tail = `${JSON.stringify([
      {
        value: '11010',
        context: 'Sample.Periodic',
        measurand: 'Power.Active.Import',
        unit: 'W',
      },
      ...phases16,
    ]).slice(1)}}]}]`;
    return ({ messageId, timestamp, transactionId, count }) =>
      `[2,"${messageId}","MeterValues",{"connectorId":1,"transactionId":${transactionId},"meterValue":[{"timestamp":"${timestamp}","sampledValue":[{"value":"${1_000_000 + count}","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},${tail}`;
  })(),
  StartTransaction: ({ messageId, timestamp, count }) =>
    `[2,"${messageId}","StartTransaction",{"connectorId":1,"idTag":"LOADTAG","meterStart":${1_000_000 + count},"timestamp":"${timestamp}"}]`,
  StopTransaction: ({ messageId, timestamp, transactionId, count }) =>
    `[2,"${messageId}","StopTransaction",{"transactionId":${transactionId},"idTag":"LOADTAG","meterStop":${1_000_000 + count},"timestamp":"${timestamp}","reason":"Local"}]`,
  TransactionEvent: (() => {
    const tail = `${JSON.stringify([
      { value: 11010, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } },
      ...phases2x,
    ]).slice(1)}}]}]`;
    return ({ messageId, timestamp, transactionId, count }) =>
      `[2,"${messageId}","TransactionEvent",{"eventType":"Updated","timestamp":"${timestamp}","triggerReason":"MeterValuePeriodic","seqNo":${count},"transactionInfo":{"transactionId":${transactionId},"chargingState":"Charging"},"evse":{"id":1,"connectorId":1},"meterValue":[{"timestamp":"${timestamp}","sampledValue":[{"value":${1_000_000 + count},"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","location":"Outlet","unitOfMeasure":{"unit":"Wh"}},${tail}`;
  })(),
};

export const renderLoad = (action: LoadAction, spliced: Spliced): string => TEMPLATES[action](spliced);

/** StatusNotification differs between the versions; the other frames belong to one, or are the same in both. */
export const ACTIONS_OF: Record<'1.6' | '2.0.1', readonly LoadAction[]> = {
  '1.6': ['Heartbeat', 'StatusNotification', 'MeterValues', 'StartTransaction', 'StopTransaction'],
  '2.0.1': ['Heartbeat', 'TransactionEvent'],
};

export const bootText = (version: '1.6' | '2.0.1', messageId: string): string =>
  version === '1.6'
    ? `[2,"${messageId}","BootNotification",{"chargePointVendor":"Loadmaker","chargePointModel":"L1"}]`
    : `[2,"${messageId}","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"Loadmaker","model":"L1"}}]`;
