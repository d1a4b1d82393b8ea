import type { Protocol } from '../../../domain/ocpp/record.js';
import type { Call, Payload } from '../call.js';
import type { Dialect, OutletStatus, Reading, Running, StopReason } from '../dialect.js';
import type { Profile } from '../profile.js';
import { reply } from './commands.js';

const iso = (at: number): string => new Date(at).toISOString();

const CONNECTOR_STATUS: Record<OutletStatus, string> = {
  Available: 'Available',
  Preparing: 'Occupied',
  Reserved: 'Reserved',
  Charging: 'Occupied',
  SuspendedEV: 'Occupied',
  Finishing: 'Occupied',
  Unavailable: 'Unavailable',
};
const CHARGING_STATE: Record<OutletStatus, string> = {
  Available: 'Idle',
  Preparing: 'EVConnected',
  Reserved: 'Idle',
  Charging: 'Charging',
  SuspendedEV: 'SuspendedEV',
  Finishing: 'EVConnected',
  Unavailable: 'Idle',
};
/** Why a transaction ended: stoppedReason and the trigger that goes with it (2.0.1 Part 2, E07 and appendix). */
const END: Record<StopReason, { stoppedReason: string; triggerReason: string }> = {
  Local: { stoppedReason: 'Local', triggerReason: 'StopAuthorized' },
  EVDisconnected: { stoppedReason: 'EVDisconnected', triggerReason: 'EVDeparted' },
  Remote: { stoppedReason: 'Remote', triggerReason: 'RemoteStop' },
  DeAuthorized: { stoppedReason: 'DeAuthorized', triggerReason: 'Deauthorized' },
  HardReset: { stoppedReason: 'ImmediateReset', triggerReason: 'ResetCommand' },
  SoftReset: { stoppedReason: 'Reboot', triggerReason: 'ResetCommand' },
  UnlockCommand: { stoppedReason: 'Other', triggerReason: 'UnlockCommand' },
};

/**
 * OCPP 2.0.1 and 2.1, which do not differ in what these chargers say. One EVSE per connector; the EVSE, the
 * token and the remote start id are sent once each, as the specification lets one (2.0.1 Part 2, E01).
 */
export function v2x(profile: Profile, protocol: Protocol): Dialect {
  const event = (
    session: Running,
    eventType: 'Started' | 'Updated' | 'Ended',
    triggerReason: string,
    at: number,
    offline: boolean,
    info: Payload,
    more: Payload = {},
    last = false,
  ): Call => {
    const payload = {
      eventType,
      timestamp: iso(at),
      triggerReason,
      seqNo: session.seqNo++,
      ...(offline ? { offline: true } : {}),
      transactionInfo: { transactionId: session.ledger.transactionId!, ...info },
      ...more,
    };
    return {
      action: 'TransactionEvent',
      durable: true,
      session: session.ledger,
      last,
      payload: () => payload,
      answered: (answer) => {
        const status = (answer.idTokenInfo as { status?: string } | undefined)?.status;
        if (status !== undefined) session.judged(status);
      },
    };
  };
  const token = ({ idTag, remoteStartId }: Running): Payload => ({
    idToken: { idToken: idTag, type: remoteStartId === undefined ? 'ISO14443' : 'Central' },
  });
  const values = (...readings: Reading[]): Payload => ({
    meterValue: readings.map((reading) => meterValue(profile, reading)),
  });

  return {
    protocol,
    boot: (reason, answered, refused) => ({
      action: 'BootNotification',
      durable: false,
      payload: () => ({
        reason,
        chargingStation: {
          vendorName: profile.vendor,
          model: profile.model,
          serialNumber: profile.serial,
          firmwareVersion: profile.firmware,
          ...(profile.emptyTexts ? { modem: { iccid: '', imsi: '' } } : {}),
        },
      }),
      answered,
      refused,
    }),
    heartbeat: () => ({ action: 'Heartbeat', durable: false, payload: () => ({}) }),
    statusWord: (status) => CONNECTOR_STATUS[status],
    reportsStation: false,
    status: (connectorId, status, at) => ({
      action: 'StatusNotification',
      durable: false,
      payload: () => ({
        timestamp: iso(at),
        connectorStatus: CONNECTOR_STATUS[status],
        evseId: connectorId,
        connectorId: 1,
      }),
    }),
    authorize: (idTag, answered) => ({
      action: 'Authorize',
      durable: false,
      payload: () => ({ idToken: { idToken: idTag, type: 'ISO14443' } }),
      answered: (payload) =>
        answered((payload.idTokenInfo as { status?: string } | undefined)?.status ?? 'Accepted'),
    }),
    started: (session, begin, offline) => [
      event(
        session,
        'Started',
        session.beganUnauthorized
          ? 'CablePluggedIn'
          : session.remoteStartId === undefined
            ? 'Authorized'
            : 'RemoteStart',
        begin.at,
        offline,
        {
          chargingState: 'EVConnected',
          ...(session.remoteStartId === undefined ? {} : { remoteStartId: session.remoteStartId }),
        },
        {
          evse: { id: session.ledger.evseId!, ...(profile.terse ? {} : { connectorId: 1 }) },
          ...(session.beganUnauthorized ? {} : token(session)),
          ...(session.reservationId === undefined ? {} : { reservationId: session.reservationId }),
          ...values(begin),
        },
      ),
    ],
    authorized: (session, at, offline) =>
      session.beganUnauthorized
        ? [event(session, 'Updated', 'Authorized', at, offline, {}, token(session))]
        : [],
    changed: (session, status, at, offline) => [
      event(session, 'Updated', 'ChargingStateChanged', at, offline, {
        chargingState: CHARGING_STATE[status],
      }),
    ],
    sampled: (session, reading, offline) => [
      event(
        session,
        'Updated',
        reading.context === 'Trigger' ? 'Trigger' : 'MeterValuePeriodic',
        reading.at,
        offline,
        profile.terse ? {} : { chargingState: reading.powerW > 0 ? 'Charging' : 'SuspendedEV' },
        values(reading),
      ),
    ],
    stopWord: (reason) => END[reason].stoppedReason,
    stopped: (session, end, reason, { offline, twice }) => {
      const { stoppedReason, triggerReason } = END[reason];
      const begin = session.readings[0];
      const repeated =
        profile.stopData === 'all'
          ? session.readings
          : profile.stopData === 'ends' && begin !== undefined
            ? [begin]
            : [];
      const more = values(...repeated, end);
      const state = { chargingState: 'EVConnected' };
      const full = { ...state, stoppedReason };
      return twice
        ? [
            event(session, 'Ended', triggerReason, end.at, offline, state, more),
            event(session, 'Ended', triggerReason, end.at, offline, full, more, true),
          ]
        : [event(session, 'Ended', triggerReason, end.at, offline, full, more, true)];
    },
    // Outside the transaction, and so without its id (seen in the field).
    sampledAfterStop: (session, reading) => ({
      action: 'MeterValues',
      durable: true,
      session: session.ledger,
      payload: () => ({ evseId: session.ledger.evseId!, ...values(reading) }),
    }),
    reply,
  };
}

function meterValue(profile: Profile, reading: Reading): Payload {
  const { kilo, terse } = profile;
  const sampledValue: Payload[] = [];
  const add = (measurand: string, value: number, unit: string, more: Payload = {}, multiplier = 0) =>
    sampledValue.push({
      value,
      ...(terse && reading.context === 'Sample.Periodic' ? {} : { context: reading.context }),
      measurand,
      unitOfMeasure: { unit, ...(multiplier === 0 ? {} : { multiplier }) },
      ...more,
    });
  if (terse) {
    sampledValue.push({ value: reading.wh, context: reading.context });
  } else if (kilo) {
    // kWh either by name or as 10^3 Wh: both are in use.
    const value = reading.wh / 1000;
    const register = 'Energy.Active.Import.Register';
    if (profile.index % 2 === 0) add(register, value, 'kWh', { location: 'Outlet' });
    else add(register, value, 'Wh', { location: 'Outlet' }, 3);
  } else {
    add('Energy.Active.Import.Register', reading.wh, 'Wh', { location: 'Outlet' });
  }
  add('Power.Active.Import', Math.round(reading.powerW), 'W');
  reading.amps.forEach((amps, phase) => {
    add('Current.Import', amps, 'A', { phase: `L${phase + 1}` });
  });
  reading.volts.forEach((volts, phase) => {
    add('Voltage', volts, 'V', { phase: `L${phase + 1}-N` });
  });
  if (reading.soc !== undefined) add('SoC', Math.floor(reading.soc * 100), 'Percent', { location: 'EV' });
  return { timestamp: iso(reading.at), sampledValue };
}
