import type { Ledger, LedgerSession } from '../ledger.js';
import type { Random } from '../random.js';
import type { Planned } from './agenda.js';
import type { Faults, Scenario, Visit } from './behaviour.js';
import type { Call } from './call.js';
import { Car } from './car.js';
import type { Dialect, OutletStatus, Reading, Running, StopReason } from './dialect.js';
import { difference, Meter } from './meter.js';
import type { Profile } from './profile.js';
import type { Settings } from './settings.js';

/** The charger around an outlet. */
export interface OutletHost {
  readonly profile: Profile;
  readonly dialect: Dialect;
  readonly scenario: Scenario;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly startAt: number;
  /** Nobody arrives from here on. */
  readonly endAt: number;
  /** The charger's own (true) time: that of what it is doing now. */
  readonly time: number;
  /** What its clock shows. */
  readonly shown: number;
  readonly online: boolean;
  readonly newId: () => string;
  idTag(connectorId: number, nth: number): string;
  plan(at: number, run: () => void): Planned;
  drop(planned: Planned): void;
  send(calls: readonly Call[]): void;
  statusChanged(outlet: Outlet): void;
  sessionEnded(): void;
  /** What the connector may give now, W. */
  limitW(connectorId: number): number;
}

export interface Reservation {
  readonly id: number;
  readonly idTag: string;
}

interface Session {
  readonly running: Running;
  readonly car: Car;
  readonly visit: Visit;
  /** Up to here the car has been charged. */
  chargedTo: number;
  charging: boolean;
  /** Energy up to the last meter reset, and the reading from which the meter counts since. */
  earlierWh: number;
  countsFromWh: number;
  lastReportedWh: number;
  resetUnreported: boolean;
}

/** From the card at the reader to the contactor; the answer to Authorize is in by then. */
const THINKS_MS = 400;

/**
 * One connector, and the cars that come to it:
 * free -> plugged in -> card at the reader -> charging -> (full, idle) -> stopped -> unplugged -> free.
 * Each step plans the next; a command of the server, or a refused token, replaces the steps still planned.
 */
export class Outlet {
  status: OutletStatus = 'Available';
  /** The last word the server was told; `undefined` = tell it. */
  reported: string | undefined;
  private readonly meter: Meter;
  private readonly steps = new Set<Planned>();
  private session: Session | undefined;
  private nth = 0;
  private operative = true;
  private reserved: Reservation | undefined;
  private remote: { idTag: string; remoteStartId: number | undefined } | undefined;

  constructor(
    private readonly host: OutletHost,
    readonly connectorId: number,
    private readonly random: Random,
  ) {
    this.meter = new Meter(random.whole(1_000, 90_000_000) / 10);
  }

  get transactionId(): string | undefined {
    return this.session?.running.ledger.transactionId;
  }

  get occupied(): boolean {
    return this.session !== undefined;
  }

  /** Waits for the next car. */
  await(): void {
    const { host } = this;
    const visit = host.scenario.visit({
      random: this.random,
      profile: host.profile,
      connectorId: this.connectorId,
      nth: this.nth,
      sinceStartMs: host.time - host.startAt,
      at: host.time,
    });
    const at = host.time + visit.afterMs;
    if (at >= host.endAt) return;
    this.step(at, () => {
      // The doors may have been closed meanwhile.
      if (host.time >= host.endAt) return;
      // Whoever finds it reserved drives on.
      if (this.operative && this.reserved === undefined) this.plugIn(visit);
      else this.await();
    });
  }

  get reservation(): Reservation | undefined {
    return this.reserved;
  }

  reserve(reservation: Reservation): 'Accepted' | 'Occupied' | 'Unavailable' {
    if (!this.operative) return 'Unavailable';
    if (this.status !== 'Available' && this.reserved?.idTag !== reservation.idTag) return 'Occupied';
    this.reserved = reservation;
    this.show('Reserved');
    return 'Accepted';
  }

  unreserve(): void {
    this.reserved = undefined;
    if (this.status === 'Reserved') this.show(this.operative ? 'Available' : 'Unavailable');
  }

  /** Somebody pressed start in an app: the car is plugged in a moment later. False when it is in use. */
  remoteStart(idTag: string, remoteStartId: number | undefined): boolean {
    if (!this.operative || this.session !== undefined || this.status === 'Finishing') return false;
    const plugged = this.status === 'Preparing';
    this.forget();
    this.remote = { idTag, remoteStartId };
    const { host } = this;
    const visit = host.scenario.visit({
      random: this.random,
      profile: host.profile,
      connectorId: this.connectorId,
      nth: this.nth,
      sinceStartMs: host.time - host.startAt,
      at: host.time,
    });
    this.step(host.time + (plugged ? 0 : 3_000), () => this.plugIn({ ...visit, tapAfterMs: 0 }));
    return true;
  }

  stop(reason: StopReason): void {
    const { session, host } = this;
    if (session === undefined) return;
    this.forget();
    const end = this.read(session, 'Transaction.End');
    const { ledger } = session.running;
    ledger.stoppedAt = host.time;
    ledger.meterStopWh = this.whole(end.wh);
    ledger.stopReason = host.dialect.stopWord(reason);
    host.send(
      host.dialect.stopped(session.running, end, reason, {
        offline: !host.online,
        twice: host.faults.stopsTwice,
      }),
    );
    this.session = undefined;
    this.show('Finishing');
    if (host.faults.valuesAfterStop) this.step(host.time + 2_000, () => this.sampleLate(session));
    const unplugMs = reason === 'EVDisconnected' ? 0 : session.visit.unplugAfterMs;
    this.step(host.time + Math.max(3_000, unplugMs), () => this.leave());
    host.sessionEnded();
  }

  /** Takes and sends a reading now, whatever the interval. False when there is nothing to read for. */
  sample(context: 'Sample.Periodic' | 'Trigger'): boolean {
    const { session, host } = this;
    if (session === undefined) return false;
    const reading = this.read(session, context);
    this.keep(session, reading);
    host.send(host.dialect.sampled(session.running, reading, !host.online));
    return true;
  }

  setOperative(operative: boolean): void {
    this.operative = operative;
    if (!operative) this.unreserve();
    if (this.session === undefined && (this.status === 'Available' || this.status === 'Unavailable')) {
      this.show(operative ? 'Available' : 'Unavailable');
    }
  }

  private plugIn(visit: Visit): void {
    const { host } = this;
    this.show('Preparing');
    if (host.profile.protocol !== 'ocpp1.6' && host.profile.startsOn === 'plug' && this.remote === undefined)
      this.begin(visit, true);
    this.step(host.time + visit.tapAfterMs, () => this.tap(visit));
  }

  private tap(visit: Visit): void {
    const { host } = this;
    let word = 'Accepted';
    // Offline, local authorization is allowed; a remote start need not be asked about unless set so.
    if (host.online && (this.remote === undefined || host.settings.authorizeRemote)) {
      host.send([
        host.dialect.authorize(this.tag(), (status) => {
          word = status;
        }),
      ]);
    }
    this.step(host.time + THINKS_MS, () => (word === 'Accepted' ? this.start(visit) : this.refuse()));
  }

  private refuse(): void {
    this.remote = undefined;
    if (this.session !== undefined) this.stop('DeAuthorized');
    else this.step(this.host.time + 3_000, () => this.leave());
  }

  private start(visit: Visit): void {
    const { host } = this;
    if (this.session === undefined) this.begin(visit, false);
    const session = this.session!;
    host.send(host.dialect.authorized(session.running, host.shown, !host.online));
    session.charging = true;
    session.chargedTo = host.time;
    this.show('Charging');
    host.send(host.dialect.changed(session.running, 'Charging', host.shown, !host.online));
    const resetAfterMs = visit.meterResetAfterMs;
    if (resetAfterMs !== undefined && resetAfterMs < visit.stayMs)
      this.step(host.time + resetAfterMs, () => this.resetMeter(session));
    this.step(host.time + visit.stayMs, () => this.stop(visit.pullsPlug ? 'EVDisconnected' : 'Local'));
    this.planSample(session);
    this.remote = undefined;
  }

  private begin(visit: Visit, unauthorized: boolean): void {
    const { host, connectorId } = this;
    const v16 = host.profile.protocol === 'ocpp1.6';
    const idTag = this.tag();
    const remoteStartId = this.remote?.remoteStartId;
    const reservationId = this.reserved?.id;
    this.reserved = undefined;
    const meterStartWh = this.whole(this.meter.readingWh);
    const ledger: LedgerSession = {
      chargePointId: host.profile.chargePointId,
      protocol: host.profile.protocol,
      connectorId: v16 ? connectorId : 1,
      ...(v16 ? {} : { evseId: connectorId, transactionId: host.newId() }),
      idTag,
      answeredIds: [],
      ...(remoteStartId === undefined ? {} : { remoteStartId }),
      startedAt: host.time,
      clockOffsetMs: host.shown - host.time,
      startedOffline: !host.online,
      idLost: v16 && !host.online && host.faults.losesOfflineIds,
      meterStartWh,
      energyWh: 0,
      unseenWh: 0,
      meterResets: 0,
      sent: [],
      answered: [],
      discarded: [],
      closed: false,
    };
    const running: Running = {
      ledger,
      idTag,
      readings: [],
      ...(remoteStartId === undefined ? {} : { remoteStartId }),
      ...(reservationId === undefined ? {} : { reservationId }),
      seqNo: 0,
      beganUnauthorized: unauthorized,
      judged: (status) => {
        ledger.authStatus ??= status;
        if (status !== 'Accepted' && this.session?.running === running)
          this.step(host.time, () => this.stop('DeAuthorized'));
      },
    };
    const session: Session = {
      running,
      visit,
      car: new Car(visit.car, () => host.limitW(this.connectorId)),
      chargedTo: host.time,
      charging: false,
      earlierWh: 0,
      countsFromWh: meterStartWh,
      lastReportedWh: meterStartWh,
      resetUnreported: false,
    };
    this.session = session;
    host.ledger.started(ledger);
    const begin = this.read(session, 'Transaction.Begin');
    this.keep(session, begin);
    host.send(host.dialect.started(running, begin, !host.online));
  }

  private planSample(session: Session): void {
    const { host } = this;
    const { sampleSeconds } = host.settings;
    if (sampleSeconds === 0) return;
    this.step(host.time + sampleSeconds * 1_000, () => {
      this.sample('Sample.Periodic');
      if (session.car.full && this.status === 'Charging') {
        this.show('SuspendedEV');
        host.send(host.dialect.changed(session.running, 'SuspendedEV', host.shown, !host.online));
      }
      this.planSample(session);
    });
  }

  /** Charges the car up to now and reads the meter; keeps the ledger's truth up to date. */
  private read(session: Session, context: Reading['context']): Reading {
    const { host, random } = this;
    this.charge(session);
    const wh = this.meter.readingWh;
    const { ledger } = session.running;
    if (session.resetUnreported) {
      ledger.unseenWh = difference(ledger.unseenWh + wh, 0);
      session.resetUnreported = false;
    }
    session.lastReportedWh = wh;
    ledger.energyWh = this.delivered(session);
    const powerW = session.charging ? session.car.powerW : 0;
    const { phases, current } = host.profile;
    const volts = Array.from({ length: phases }, () => Math.round(random.between(2_270, 2_360)) / 10);
    const amps = volts.map((volt) => Math.round((powerW / phases / volt) * 100) / 100);
    return {
      at: host.shown,
      wh,
      powerW,
      volts,
      amps,
      ...(current === 'DC' ? { soc: session.car.soc } : {}),
      context,
    };
  }

  private charge(session: Session): void {
    const { host } = this;
    if (session.charging) this.meter.add(session.car.charge(host.time - session.chargedTo));
    session.chargedTo = host.time;
  }

  private delivered(session: Session): number {
    const { earlierWh, countsFromWh } = session;
    const now =
      session.running.ledger.meterResets > 0 ? this.meter.readingWh : this.whole(this.meter.readingWh);
    return difference(earlierWh + difference(now, countsFromWh), 0);
  }

  private resetMeter(session: Session): void {
    const { ledger } = session.running;
    this.charge(session);
    const wh = this.meter.readingWh;
    ledger.unseenWh = difference(ledger.unseenWh + difference(wh, session.lastReportedWh), 0);
    session.earlierWh += difference(wh, session.countsFromWh);
    session.countsFromWh = 0;
    session.resetUnreported = true;
    ledger.meterResets++;
    this.meter.reset();
  }

  /** The car drew a little more after the stop, and the charger tells. It is nobody's energy. */
  private sampleLate(session: Session): void {
    const { host, random } = this;
    this.meter.add(random.whole(10, 200) / 10);
    session.charging = false;
    const truth = session.running.ledger.energyWh;
    const reading = this.read(session, 'Sample.Periodic');
    session.running.ledger.energyWh = truth;
    host.send([host.dialect.sampledAfterStop(session.running, reading)]);
  }

  private leave(): void {
    this.nth++;
    this.show(this.operative ? 'Available' : 'Unavailable');
    this.await();
  }

  private keep({ running }: Session, reading: Reading): void {
    if (running.readings.length === 0 || this.host.profile.stopData === 'all') running.readings.push(reading);
  }

  private tag(): string {
    return this.remote?.idTag ?? this.host.idTag(this.connectorId, this.nth);
  }

  /** OCPP 1.6 gives meterStart and meterStop in whole Wh. */
  private whole(wh: number): number {
    return this.host.profile.protocol === 'ocpp1.6' ? Math.floor(wh) : wh;
  }

  private show(status: OutletStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.host.statusChanged(this);
  }

  private step(at: number, run: () => void): void {
    const planned = this.host.plan(at, () => {
      this.steps.delete(planned);
      run();
    });
    this.steps.add(planned);
  }

  private forget(): void {
    for (const planned of this.steps) this.host.drop(planned);
    this.steps.clear();
  }
}
