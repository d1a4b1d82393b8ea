import type { Call, Payload } from '../call.js';
import type { Dialect, Reading, Running, StopReason } from '../dialect.js';
import type { Profile } from '../profile.js';
import { reply } from './commands.js';

const iso = (at: number): string => new Date(at).toISOString();
const durable = (
  action: string,
  session: Running,
  payload: () => Payload,
  more: Partial<Call> = {},
): Call => ({
  action,
  durable: true,
  session: session.ledger,
  payload,
  ...more,
});

/**
 * OCPP 1.6. The transaction id is the server's: frames that need it are rendered when they are sent, by which
 * time the start, queued before them, has been answered. A charger that lost the answer says -1 for ever
 * (libocpp#495, MicroOcpp#50).
 */
export function v16(profile: Profile): Dialect {
  const transactionId = ({ ledger }: Running): number =>
    ledger.idLost || ledger.transactionId === undefined ? -1 : Number(ledger.transactionId);
  const meterValues = (session: Running, reading: Reading): Call =>
    durable('MeterValues', session, () => ({
      connectorId: session.ledger.connectorId,
      transactionId: transactionId(session),
      meterValue: [meterValue(profile, reading)],
    }));
  const stop = (session: Running, end: Reading, reason: StopReason | undefined, last: boolean): Call =>
    durable(
      'StopTransaction',
      session,
      () => ({
        transactionId: transactionId(session),
        ...(reason === 'DeAuthorized' || reason === 'EVDisconnected' ? {} : { idTag: session.idTag }),
        meterStop: Math.floor(end.wh),
        timestamp: iso(end.at),
        ...(reason === undefined ? {} : { reason }),
        ...transactionData(profile, session, end),
      }),
      { last },
    );

  return {
    protocol: 'ocpp1.6',
    boot: (_reason, answered, refused) => ({
      action: 'BootNotification',
      durable: false,
      payload: () => ({
        chargePointVendor: profile.vendor,
        chargePointModel: profile.model,
        chargePointSerialNumber: profile.serial,
        firmwareVersion: profile.firmware,
        ...(profile.emptyTexts ? { iccid: '', imsi: '', meterType: '' } : {}),
      }),
      answered,
      refused,
    }),
    heartbeat: () => ({ action: 'Heartbeat', durable: false, payload: () => ({}) }),
    statusWord: (status) => status,
    reportsStation: true,
    status: (connectorId, status, at) => ({
      action: 'StatusNotification',
      durable: false,
      payload: () => ({
        connectorId,
        errorCode: 'NoError',
        status,
        // Optional in 1.6, and left out by some.
        ...(profile.terse ? {} : { timestamp: iso(at) }),
      }),
    }),
    authorize: (idTag, answered) => ({
      action: 'Authorize',
      durable: false,
      payload: () => ({ idTag }),
      answered: (payload) => answered(statusOf(payload) ?? 'Accepted'),
    }),
    started: (session, begin) => [
      durable(
        'StartTransaction',
        session,
        () => ({
          connectorId: session.ledger.connectorId,
          idTag: session.idTag,
          meterStart: session.ledger.meterStartWh,
          ...(session.reservationId === undefined ? {} : { reservationId: session.reservationId }),
          timestamp: iso(begin.at),
        }),
        {
          answered: (payload) => {
            const id = String(payload.transactionId);
            const { ledger } = session;
            ledger.transactionId ??= id;
            if (!ledger.answeredIds.includes(id)) ledger.answeredIds.push(id);
            const status = statusOf(payload);
            if (status !== undefined) session.judged(status);
          },
        },
      ),
      ...(profile.beginValues ? [meterValues(session, begin)] : []),
    ],
    authorized: () => [],
    changed: () => [],
    sampled: (session, reading) => [meterValues(session, reading)],
    stopWord: (reason) => reason,
    stopped: (session, end, reason, { twice }) =>
      twice
        ? [stop(session, end, undefined, false), stop(session, end, reason, true)]
        : [stop(session, end, reason, true)],
    sampledAfterStop: meterValues,
    reply,
  };
}

const statusOf = (payload: Payload): string | undefined =>
  (payload.idTagInfo as { status?: string } | undefined)?.status;

function transactionData(profile: Profile, session: Running, end: Reading): Payload {
  if (profile.stopData === 'none') return {};
  const begin = session.readings[0];
  const kept = profile.stopData === 'all' ? session.readings : begin === undefined ? [] : [begin];
  return { transactionData: [...kept, end].map((reading) => meterValue(profile, reading)) };
}

function meterValue(profile: Profile, reading: Reading): Payload {
  const { kilo, terse } = profile;
  const scale = kilo ? 1000 : 1;
  const sampledValue: Payload[] = [];
  const add = (measurand: string, value: string, unit: string, more: Payload = {}) =>
    sampledValue.push({ value, context: reading.context, measurand, unit, ...more });
  // In kWh the division leaves binary noise in the text (12.345600000000001), as it does in real firmware.
  const register = String(reading.wh / scale);
  if (terse && !kilo) {
    // Absent means: Energy.Active.Import.Register, Wh, Sample.Periodic, Outlet (OCPP 1.6, 7.43).
    sampledValue.push({
      value: register,
      ...(reading.context === 'Sample.Periodic' ? {} : { context: reading.context }),
    });
  } else {
    add('Energy.Active.Import.Register', register, kilo ? 'kWh' : 'Wh', { location: 'Outlet' });
  }
  add('Power.Active.Import', String(Math.round(reading.powerW) / scale), kilo ? 'kW' : 'W');
  reading.amps.forEach((amps, phase) => {
    add('Current.Import', amps.toFixed(2), 'A', { phase: `L${phase + 1}` });
  });
  reading.volts.forEach((volts, phase) => {
    add('Voltage', volts.toFixed(1), 'V', { phase: `L${phase + 1}-N` });
  });
  if (reading.soc !== undefined)
    add('SoC', String(Math.floor(reading.soc * 100)), 'Percent', { location: 'EV' });
  return { timestamp: iso(reading.at), sampledValue };
}
