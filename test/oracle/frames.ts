/**
 * Frames of a charger, as tests like to write them: wall-clock texts for times, watt-hours for energy. Each
 * builder gives an entry of the log without its position.
 */
import type { ChargingEvent, Oddity, Sample } from '../../src/domain/charging/events.js';
import type { FrameRecord, Protocol } from '../../src/domain/ocpp/record.js';

export interface Entry {
  readonly record: FrameRecord;
  readonly event: ChargingEvent | undefined;
  readonly oddities: readonly Oddity[];
}

type TransactionEvent = Extract<ChargingEvent, { kind: 'transaction' }>;

/** '08:00', '08:00:30.500' on 23 November 2026, or so many days later; UTC. Numbers pass. */
export function time(clock: string | number, day = 0): number {
  if (typeof clock === 'number') return clock;
  return Date.parse(`2026-11-23T${clock.length === 5 ? `${clock}:00` : clock}Z`) + day * 86_400_000;
}

/** Watt-hours (or W, %) as thousandths. */
export const milli = (amount: number): number => Math.round(amount * 1_000);

/** What a record may say of itself besides its event; `received` is when ingest had it. */
export interface Envelope {
  received?: string | number;
  chargePoint?: string;
  connection?: string;
  gateway?: string;
  protocol?: Protocol;
  station?: string;
  account?: string;
  tariff?: string;
  meterKeys?: string;
  oddities?: Oddity[];
}

const SUBJECTS: Record<ChargingEvent['kind'], string> = {
  connected: 'Connected',
  disconnected: 'Disconnected',
  'gateway-alive': 'GatewayAlive',
  'gateway-started': 'GatewayStarted',
  boot: 'BootNotification',
  status: 'StatusNotification',
  start: 'StartTransaction',
  stop: 'StopTransaction',
  'meter-values': 'MeterValues',
  transaction: 'TransactionEvent',
  other: 'Heartbeat',
};

export function entry(event: ChargingEvent | undefined, at: number, envelope: Envelope = {}): Entry {
  const { received, chargePoint = 'CP-1', protocol = 'ocpp1.6', gateway = 'gw-1', oddities = [] } = envelope;
  const { connection = `${chargePoint}/c1`, station, account, tariff, meterKeys } = envelope;
  const ofGateway = event?.kind === 'gateway-alive' || event?.kind === 'gateway-started';
  const record: FrameRecord = {
    body: '[]',
    subject: event === undefined ? 'Unknown' : SUBJECTS[event.kind],
    chargePointId: ofGateway ? gateway : chargePoint,
    receivedAt: received === undefined ? at : time(received),
    direction: 'in',
    gateway,
    ...(ofGateway ? {} : { connection, protocol }),
    ...(station === undefined ? {} : { station }),
    ...(account === undefined ? {} : { account }),
    ...(tariff === undefined ? {} : { tariff }),
    ...(meterKeys === undefined ? {} : { meterKeys }),
  };
  return { record, event, oddities };
}

export interface SampleExtras {
  measurand?: string;
  phase?: string;
  location?: string;
  context?: string;
  unit?: string;
  signed?: string;
}

/** A register reading in Wh, unless extras say otherwise. */
export function sample(at: string | number, amount: number, extras: SampleExtras = {}): Sample {
  return {
    at: time(at),
    measurand: extras.measurand ?? 'Energy.Active.Import.Register',
    phase: extras.phase ?? '',
    location: extras.location ?? 'Outlet',
    context: extras.context ?? 'Sample.Periodic',
    milli: milli(amount),
    unit: extras.unit ?? 'Wh',
    raw: String(amount),
    ...(extras.signed === undefined ? {} : { signed: extras.signed }),
  };
}

export const power = (at: string | number, watts: number, extras: SampleExtras = {}): Sample =>
  sample(at, watts, { measurand: 'Power.Active.Import', unit: 'W', ...extras });
export const soc = (at: string | number, percent: number): Sample =>
  sample(at, percent, { measurand: 'SoC', unit: 'Percent', location: 'EV' });
export const interval = (at: string | number, wh: number, extras: SampleExtras = {}): Sample =>
  sample(at, wh, { measurand: 'Energy.Active.Import.Interval', ...extras });
export const exported = (at: string | number, wh: number): Sample =>
  sample(at, wh, { measurand: 'Energy.Active.Export.Register' });

/** OCPP 1.6 StartTransaction, `meter` in Wh. */
export function start(
  at: string | number,
  meter: number,
  {
    connector = 1,
    id = '101',
    token = 'TAG-1',
    auth = 'Accepted',
    ...envelope
  }: {
    connector?: number;
    id?: string;
    token?: string;
    auth?: string;
  } & Envelope = {},
): Entry {
  const event: ChargingEvent = {
    kind: 'start',
    outlet: { connectorId: connector },
    idToken: { token },
    meterStartMilli: milli(meter),
    at: time(at),
    transactionId: id,
    authStatus: auth,
    messageId: `m-${at}`,
  };
  return entry(event, time(at), envelope);
}

/** OCPP 1.6 StopTransaction; `meter` in Wh, undefined = absent. */
export function stop(
  at: string | number,
  meter: number | undefined,
  {
    id = '101',
    token,
    reason = '',
    samples = [],
    ...envelope
  }: {
    id?: string;
    token?: string;
    reason?: string;
    samples?: Sample[];
  } & Envelope = {},
): Entry {
  const event: ChargingEvent = {
    kind: 'stop',
    transactionId: id,
    ...(token === undefined ? {} : { idToken: { token } }),
    meterStopMilli: meter === undefined ? Number.NaN : milli(meter),
    at: time(at),
    reason,
    samples,
  };
  return entry(event, time(at), envelope);
}

/** MeterValues; `id` null = none named. */
export function meters(
  samples: Sample[],
  {
    connector = 1,
    evse,
    id = '101',
    ...envelope
  }: {
    connector?: number;
    evse?: number;
    id?: string | null;
  } & Envelope = {},
): Entry {
  const event: ChargingEvent = {
    kind: 'meter-values',
    outlet: evse === undefined ? { connectorId: connector } : { evseId: evse },
    ...(id === null ? {} : { transactionId: id }),
    samples,
  };
  return entry(event, samples[0]?.at ?? 0, envelope);
}

/** OCPP 2.x TransactionEvent. No EVSE and no token unless given. */
export function transaction(
  eventType: TransactionEvent['eventType'],
  seqNo: number,
  at: string | number,
  {
    id = 'tx-1',
    trigger = 'MeterValuePeriodic',
    evse,
    connector,
    token,
    state,
    reason,
    auth,
    remoteStartId,
    offline = false,
    samples = [],
    protocol = 'ocpp2.0.1',
    ...envelope
  }: {
    id?: string;
    trigger?: string;
    evse?: number;
    connector?: number;
    token?: string;
    state?: string;
    reason?: string;
    auth?: string;
    remoteStartId?: number;
    offline?: boolean;
    samples?: Sample[];
  } & Envelope = {},
): Entry {
  const event: TransactionEvent = {
    kind: 'transaction',
    eventType,
    transactionId: id,
    seqNo,
    at: time(at),
    trigger,
    offline,
    samples,
    ...(state === undefined ? {} : { chargingState: state }),
    ...(reason === undefined ? {} : { stoppedReason: reason }),
    ...(auth === undefined ? {} : { authStatus: auth }),
    ...(token === undefined ? {} : { idToken: { token, type: 'ISO14443' } }),
    ...(remoteStartId === undefined ? {} : { remoteStartId }),
    ...(evse === undefined
      ? {}
      : { outlet: { evseId: evse, ...(connector === undefined ? {} : { connectorId: connector }) } }),
  };
  return entry(event, time(at), { protocol, ...envelope });
}

/** StatusNotification; without a time of its own when `untimed`. 2.x when `evse` is given. */
export function status(
  at: string | number,
  reported: string,
  {
    connector = 1,
    evse,
    errorCode = 'NoError',
    vendorCode = '',
    untimed = false,
    ...envelope
  }: {
    connector?: number;
    evse?: number;
    errorCode?: string;
    vendorCode?: string;
    untimed?: boolean;
  } & Envelope = {},
): Entry {
  const event: ChargingEvent = {
    kind: 'status',
    outlet: { connectorId: connector, ...(evse === undefined ? {} : { evseId: evse }) },
    status: reported,
    errorCode,
    vendorCode,
    info: '',
    at: untimed ? Number.NaN : time(at),
  };
  return entry(event, time(at), envelope);
}

export function boot(at: string | number, envelope: Envelope = {}): Entry {
  const event: ChargingEvent = {
    kind: 'boot',
    vendor: 'Maker',
    model: 'One',
    serial: '',
    firmware: '1.0',
    reason: '',
    answered: 'Accepted',
  };
  return entry(event, time(at), envelope);
}

export const connected = (at: string | number, envelope: Envelope = {}): Entry =>
  entry({ kind: 'connected', address: '10.0.0.9', securityProfile: 1 }, time(at), envelope);
export const disconnected = (at: string | number, envelope: Envelope & { code?: number } = {}): Entry =>
  entry({ kind: 'disconnected', code: envelope.code ?? 1000, reason: '' }, time(at), envelope);
export const heartbeat = (at: string | number, envelope: Envelope = {}): Entry =>
  entry({ kind: 'other', action: 'Heartbeat' }, time(at), envelope);
export const gatewayAlive = (at: string | number, gateway = 'gw-1'): Entry =>
  entry({ kind: 'gateway-alive' }, time(at), { gateway });
export const gatewayStarted = (at: string | number, gateway = 'gw-1'): Entry =>
  entry({ kind: 'gateway-started' }, time(at), { gateway });
