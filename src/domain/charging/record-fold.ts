/** What each kind of event adds to a charge point's evidence, and which facts it touches. */
import type { StoredRecord } from '../ocpp/record.js';
import {
  type ChargePoint,
  changePages,
  resolve,
  touch,
  touchEvse,
  touchMeasured,
  touchOutlet,
  touchOutlets,
  touchPart,
} from './charge-point.js';
import { type CorrectedTime, correct, forgetShift } from './clock.js';
import type { ChargingEvent, Outlet, Sample } from './events.js';
import { pageOf } from './sample-pages.js';
import { addSample } from './series.js';
import { isOwnTransactionId, type Session } from './sessions.js';
import { addSigned } from './signed.js';
import {
  type ChargePointState,
  type EventsEvidence,
  evseOf,
  partOf,
  type StatusEvent,
  type TransactionPart,
} from './state.js';
import { addStatus, outletKey, outletOf, refinement } from './status.js';
import { foldEvent } from './transaction-events.js';
import { evsesMeasuring, noteUnstarted } from './untagged.js';

type Event<Kind extends ChargingEvent['kind']> = Extract<ChargingEvent, { kind: Kind }>;

/** The folding of one record. */
export class RecordFold {
  private readonly state: ChargePointState;
  private anomalies = 0;
  constructor(
    private readonly point: ChargePoint,
    private readonly record: StoredRecord,
  ) {
    this.state = point.state;
  }

  apply(event: ChargingEvent): void {
    if (event.kind === 'boot') this.boot();
    else if (event.kind === 'status') this.status(event);
    else if (event.kind === 'start') this.start(event);
    else if (event.kind === 'stop') this.stop(event);
    else if (event.kind === 'meter-values') this.meterValues(event);
    else if (event.kind === 'transaction') this.transaction(event);
  }

  anomaly(kind: string, detail: string, sessionId: string | null = null): void {
    this.point.touched.rows.anomalies.push({
      chargePointId: this.state.core.id,
      offset: this.record.offset,
      number: this.anomalies++,
      sessionId,
      at: this.record.receivedAt,
      kind,
      detail,
    });
  }

  private time(at: number): CorrectedTime {
    return correct(this.state.core.clock, at, this.record.receivedAt);
  }

  private boot(): void {
    const { core } = this.state;
    core.boots++;
    core.lastBootOffset = this.record.offset;
    forgetShift(core.clock);
  }

  private status(event: Event<'status'>): void {
    const evseId = evseIdOf(event.outlet) ?? 0;
    const connectorId = evseId === 0 ? 0 : (event.outlet.connectorId ?? evseId);
    const at = Number.isNaN(event.at) ? this.record.receivedAt : this.time(event.at).at;
    if (event.errorCode !== '' && event.errorCode !== 'NoError' && event.status !== 'Faulted') {
      this.anomaly('status_warning', `${event.errorCode} ${event.vendorCode} while ${event.status}`.trim());
    }
    const { status, errorCode, vendorCode } = event;
    this.addStatus(evseId, connectorId, { at, status, errorCode, vendorCode });
    if (status === 'Available' && evseId !== 0) this.freed(evseId, at);
  }

  private addStatus(evseId: number, connectorId: number, event: StatusEvent): void {
    const { core } = this.state;
    const outlet = outletOf(core, evseId, connectorId);
    if (!addStatus(core, outlet, event)) {
      this.anomaly(
        'late',
        `status ${event.status ?? event.refine} of ${new Date(event.at).toISOString()} came too late`,
      );
      return;
    }
    if (evseId === 0) touchOutlets(this.point, event.at);
    else touchOutlet(this.point, outletKey(evseId, connectorId), event.at);
  }

  /** Available: who was plugged in has gone; who is open from before a boot has been abandoned. */
  private freed(evseId: number, at: number): void {
    const { core } = this.state;
    const evse = evseOf(this.state, evseId);
    let index = evse.freeAt.length;
    while (index > 0 && (evse.freeAt[index - 1] as number) > at) index--;
    if (evse.freeAt[index - 1] !== at) evse.freeAt.splice(index, 0, at);
    if (core.boots > 0 && at >= (evse.idle?.at ?? at)) {
      evse.idle = { at, offset: this.record.offset, bootOffset: core.lastBootOffset };
    }
    let open = false;
    for (const session of this.point.sessions.values()) {
      if (session.evseId !== evseId || session.startedAt > at) continue;
      if (session.stoppedAt === undefined) open ||= !session.abandoned;
      else if (at >= session.stoppedAt && (session.nextStartAt === undefined || at <= session.nextStartAt)) {
        touch(this.point, session);
      }
    }
    if (open) resolve(this.point);
  }

  private start(event: Event<'start'>): void {
    const key = `1:${event.transactionId}`;
    if (this.isLate(key, event.transactionId, 'StartTransaction')) return;
    const { core } = this.state;
    const { at, suspect } = this.time(event.at);
    const part = this.part(key, event.transactionId, at);
    const sentAt = Number.isNaN(event.at) ? null : event.at;
    const connectorId = evseIdOf(event.outlet) ?? 0;
    const equal = part.starts.findLast(
      (start) =>
        start.sentAt === sentAt &&
        start.connectorId === connectorId &&
        start.meterStart === event.meterStartMilli &&
        start.idToken.toUpperCase() === event.idToken.token.toUpperCase(),
    );
    const ended =
      equal !== undefined && part.stops.some((stop) => stop.boots >= equal.boots && stop.boots < core.boots);
    if (equal !== undefined && !ended) {
      equal.station ??= this.record.station;
      equal.account ??= this.record.account;
      equal.tariff ??= this.record.tariff;
    } else {
      part.starts.push({
        connectorId,
        idToken: event.idToken.token,
        at,
        sentAt,
        suspect,
        meterStart: event.meterStartMilli,
        authStatus: event.authStatus,
        reuse: equal === undefined ? 0 : equal.reuse + 1,
        boots: core.boots,
        offset: this.record.offset,
        station: this.record.station,
        account: this.record.account,
        tariff: this.record.tariff,
      });
    }
    resolve(this.point);
    // Samples that were anybody's until now are this transaction's.
    for (const evseId of evsesMeasuring(this.state, key)) touchEvse(this.point, evseId);
  }

  private stop(event: Event<'stop'>): void {
    const { at, suspect } = this.time(event.at);
    const meterStop = Number.isNaN(event.meterStopMilli) ? null : event.meterStopMilli;
    // An id of an offline start (0, -1, ...) repeats: such a stop stands for itself.
    const named = isOwnTransactionId(event.transactionId);
    const key = named ? `1:${event.transactionId}` : `stop:${event.transactionId}:${at}:${meterStop}`;
    if (this.isLate(key, event.transactionId, 'StopTransaction')) return;
    const part = this.part(key, event.transactionId, at);
    const equal = part.stops.find((stop) => stop.at === at && stop.meterStop === meterStop);
    if (equal === undefined) {
      part.stops.push({
        at,
        suspect,
        meterStop,
        idToken: event.idToken?.token ?? null,
        reason: event.reason,
        offset: this.record.offset,
        boots: this.state.core.boots,
      });
    } else if (event.reason !== '' && (equal.reason === '' || event.reason < equal.reason)) {
      equal.reason = event.reason;
    }
    this.addSamples(key, part, event.samples, at);
    resolve(this.point);
    touchPart(this.point, key);
    this.meterRows(event.samples, `tx:${event.transactionId}`, {}, at, key);
  }

  private meterValues(event: Event<'meter-values'>): void {
    const evseId = evseIdOf(event.outlet);
    const named = event.transactionId !== undefined && isOwnTransactionId(event.transactionId);
    const key = named ? `1:${event.transactionId}` : '';
    if (named && this.isLate(key, event.transactionId as string, 'MeterValues')) return;
    // Connector 0 is the main meter, whatever transaction it names.
    if (named && evseId !== 0) {
      const part = this.part(key, event.transactionId as string, undefined);
      this.addSamples(key, part, event.samples, this.record.receivedAt);
      touchPart(this.point, key);
      this.resolveIfUnsettled(key);
      if (part.starts.length === 0 && evseId !== undefined) this.addUnstarted(evseId, key, event.samples);
    } else if (evseId !== undefined && evseId !== 0) this.addUntagged(evseId, event.samples);
    const origin = event.transactionId === undefined ? undefined : `tx:${event.transactionId}`;
    this.meterRows(event.samples, origin, event.outlet, this.record.receivedAt, named ? key : undefined);
  }

  private addUntagged(evseId: number, samples: readonly Sample[]): void {
    const evse = evseOf(this.state, evseId);
    for (const sample of samples) {
      const { at } = this.time(sample.at);
      if (addSample(evse.samples, sample, at)) touchMeasured(this.point, evseId, at);
    }
  }

  private addUnstarted(evseId: number, key: string, samples: readonly Sample[]): void {
    const isNew = noteUnstarted(this.state, evseId, key);
    // One that names several EVSEs counts at each of them.
    for (const measured of evsesMeasuring(this.state, key)) {
      if (isNew) touchEvse(this.point, measured);
      else for (const sample of samples) touchMeasured(this.point, measured, this.time(sample.at).at);
    }
  }

  private transaction(event: Event<'transaction'>): void {
    const key = `2:${event.transactionId}`;
    if (this.isLate(key, event.transactionId, 'TransactionEvent')) return;
    const { at, suspect } = this.time(event.at);
    const known = this.state.parts.has(key);
    const part = this.part(key, event.transactionId, at);
    let lastSampleAt: number | null = null;
    for (const sample of event.samples) {
      const sampleAt = this.time(Number.isNaN(sample.at) ? event.at : sample.at).at;
      this.addSample(key, part, sample, sampleAt);
      if (lastSampleAt === null || sampleAt > lastSampleAt) lastSampleAt = sampleAt;
    }
    part.events ??= { seqNos: [], ended: [], firstAt: at };
    const changed = foldEvent(part.events, event, this.record, { at, suspect }, lastSampleAt);
    if (changed || !known) resolve(this.point);
    touchPart(this.point, key);
    this.resolveIfUnsettled(key);
    this.refineStatus(part.events, event, at);
    this.meterRows(event.samples, `tx:${event.transactionId}`, event.outlet ?? {}, at, key);
  }

  /** What a live transaction says of its Occupied connector. Events from an offline queue say nothing live. */
  private refineStatus(events: EventsEvidence, event: Event<'transaction'>, at: number): void {
    const evseId = events.evse?.evseId;
    if (event.offline || evseId === undefined || evseId === null || evseId === 0) return;
    const hasCharged = events.chargedAt !== undefined && events.chargedAt <= at;
    const ended = event.eventType === 'Ended';
    if (!ended && event.chargingState === undefined) return;
    // An Ended speaks of the connector only when it says that the car is still there.
    const refine =
      ended && event.chargingState !== 'EVConnected'
        ? ''
        : refinement(event.chargingState as string, hasCharged);
    const connectorId = events.connector?.connectorId;
    for (const outlet of Object.values(this.state.core.outlets)) {
      if (outlet.evseId !== evseId || (connectorId !== undefined && outlet.connectorId !== connectorId))
        continue;
      this.addStatus(outlet.evseId, outlet.connectorId, { at, refine });
    }
  }

  private part(key: string, transactionId: string, eventAt: number | undefined): TransactionPart {
    const part = partOf(this.state, key, transactionId, this.record.offset);
    part.lastOffset = this.record.offset;
    part.lastReceivedAt = Math.max(part.lastReceivedAt, this.record.receivedAt);
    if (eventAt !== undefined) part.lastEventAt = Math.max(part.lastEventAt, eventAt);
    this.point.changedParts.add(key);
    return part;
  }

  private isLate(key: string, transactionId: string, action: string): boolean {
    if (this.state.parts.has(key) || !this.state.core.expired.includes(key)) return false;
    this.anomaly('late', `${action} of transaction ${transactionId}, which was closed for good`);
    return true;
  }

  private addSamples(key: string, part: TransactionPart, samples: readonly Sample[], fallback: number): void {
    for (const sample of samples) {
      this.addSample(key, part, sample, Number.isNaN(sample.at) ? fallback : this.time(sample.at).at);
    }
  }

  private addSample(key: string, part: TransactionPart, sample: Sample, at: number): void {
    if (addSample(part.samples, sample, at)) changePages(this.point, key, [pageOf(at)]);
    const { meterKeys } = this.record;
    if (sample.signed === undefined || meterKeys === undefined) return;
    part.signed ??= { readings: [], invalidAt: [] };
    addSigned(part.signed, sample, at, meterKeys.split(' '));
  }

  private meterRows(
    samples: readonly Sample[],
    origin: string | undefined,
    outlet: Outlet,
    fallback: number,
    key: string | undefined,
  ): void {
    for (let from = 0; from < samples.length; ) {
      const sentAt = (samples[from] as Sample).at;
      let to = from + 1;
      while (to < samples.length && Object.is((samples[to] as Sample).at, sentAt)) to++;
      const ofOneTime = from === 0 && to === samples.length ? samples : samples.slice(from, to);
      this.meterRow(ofOneTime, origin, outlet, Number.isNaN(sentAt) ? fallback : this.time(sentAt).at, key);
      from = to;
    }
  }

  private meterRow(
    samples: readonly Sample[],
    origin: string | undefined,
    outlet: Outlet,
    at: number,
    key: string | undefined,
  ): void {
    const evseId = evseIdOf(outlet) ?? null;
    const session = key === undefined ? this.sessionOn(evseId, at) : this.sessionOf(key, at);
    const sentAt = (samples[0] as Sample).at;
    const known = session?.start ?? session?.events?.connector;
    this.point.touched.rows.meterValues.push({
      chargePointId: this.state.core.id,
      offset: this.record.offset,
      at,
      sentAt: Number.isNaN(sentAt) ? null : sentAt,
      origin: origin ?? `outlet:${evseId ?? ''}/${outlet.connectorId ?? ''}`,
      connectorId: outlet.connectorId ?? known?.connectorId ?? null,
      evseId: evseId ?? session?.evseId ?? null,
      sessionId: session?.sessionId ?? null,
      samples,
    });
  }

  private sessionOf(key: string, at: number): Session | undefined {
    return this.point.byPart
      .get(key)
      ?.find((session) => at >= session.samplesFrom && at < session.samplesBefore);
  }

  private sessionOn(evseId: number | null, at: number): Session | undefined {
    if (evseId === null || evseId === 0) return undefined;
    let latest: Session | undefined;
    for (const session of this.point.sessions.values()) {
      if (session.evseId !== evseId || at < session.startedAt) continue;
      if (at > (session.stoppedAt ?? session.nextStartAt ?? Number.POSITIVE_INFINITY)) continue;
      const isLater =
        latest === undefined ||
        session.startedAt > latest.startedAt ||
        (session.startedAt === latest.startedAt && session.sessionId > latest.sessionId);
      if (isLater) latest = session;
    }
    return latest;
  }

  /** Energy after a first start makes a second one a session of its own; any frame reopens an abandoned one. */
  private resolveIfUnsettled(key: string): void {
    const unsettled = (session: Session) => session.partKeys.length > 1 || session.abandoned;
    if (this.point.byPart.get(key)?.some(unsettled)) resolve(this.point);
  }
}

const evseIdOf = (outlet: Outlet): number | undefined => outlet.evseId ?? outlet.connectorId;
