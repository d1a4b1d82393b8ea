import { performance } from 'node:perf_hooks';
import { backoffMs } from '../../platform/retry.js';
import type { VirtualClock, Wake } from '../clock.js';
import type { Ledger } from '../ledger.js';
import { type Random, seeded } from '../random.js';
import { Agenda, type Planned } from './agenda.js';
import { type Faults, NO_FAULTS, type Scenario } from './behaviour.js';
import type { Call, Payload } from './call.js';
import type { BootReason, Device, Dialect } from './dialect.js';
import { errorText, Link, type LinkListener, resultText } from './link.js';
import { Memory } from './memory.js';
import { Outbox } from './outbox.js';
import { Outlet, type OutletHost } from './outlet.js';
import type { Profile } from './profile.js';
import type { Settings } from './settings.js';
import { v2x } from './v2x/dialect.js';
import { v16 } from './v16/dialect.js';

export interface ChargerOptions {
  readonly seed: number;
  /** Tried in turns: the next one after each connection that was lost or refused. */
  readonly urls: readonly string[];
  readonly profile: Profile;
  readonly scenario: Scenario;
  readonly password?: string | undefined;
  readonly startAt: number;
  readonly endAt: number;
  /** What is planned from `endAt` on still happens (so that sessions end), or does not. */
  readonly finishes: boolean;
  /** Virtual time of the charger's doings. */
  readonly clock: VirtualClock;
  /** Real time, of the network: how long to wait for an answer, when to try again. */
  readonly wall: VirtualClock;
  readonly ledger: Ledger;
  /** Real milliseconds without an answer after which the connection counts as dead. */
  readonly answerTimeoutMs: number;
  readonly reconnect: { readonly firstMs: number; readonly maxMs: number };
  readonly idTag: (profile: Profile, connectorId: number, nth: number) => string;
  /** Opens the connection when it is this charger's turn. */
  readonly dial: (open: () => void) => void;
  readonly dialled: () => void;
  readonly answeredIn: (ms: number) => void;
  readonly onSettled: (settled: boolean) => void;
  readonly onConnectionLost: (code: number, reason: string) => void;
}

/**
 * One simulated charger: an actor that works through its agenda in the order of its own time.
 *
 * The one rule behind everything: **while something can be said, nothing else happens.** The next entry of the
 * agenda waits until the connection is up (or known to be down) and the outbox is empty; then it happens at
 * its planned time, whatever the wall clock says by then. So answers take no time, decisions that hang on them
 * are always in, and what is sent depends on the seed and on the answers alone, not on how fast they came.
 *
 * Connection: down -> dialling -> open -> (booting ->) accepted. Lost: down, again after a backoff of real time,
 * while the agenda goes on as an offline charger's does. (At unlimited speed it waits instead: a reconnect
 * takes real time, during which years would pass.) A scenario's outage is an entry of the agenda.
 */
export class Charger implements LinkListener, Device, OutletHost {
  readonly profile: Profile;
  readonly scenario: Scenario;
  readonly faults: Faults;
  readonly dialect: Dialect;
  readonly settings: Settings;
  readonly memory = new Memory();
  readonly ledger: Ledger;
  readonly startAt: number;
  endAt: number;
  readonly newId: () => string;
  time: number;
  private readonly agenda = new Agenda();
  private readonly outbox: Outbox;
  private readonly outlets: Outlet[];
  private readonly network: Random;
  private state: 'down' | 'dialling' | 'open' = 'down';
  /** BootNotification was accepted since power-up; a reconnect alone needs no new one (OCPP 1.6, 4.2). */
  private accepted = false;
  /** The scenario, or a reboot, keeps the charger away: no reconnects. */
  private away = true;
  private bootReason: BootReason = 'PowerUp';
  private bootedAt: number;
  private link: Link | undefined;
  private failures = 0;
  private lostLines = 0;
  private cutAfterNext = false;
  private resetWhenIdle: 'HardReset' | 'SoftReset' | undefined;
  private stationReported = false;
  private heartbeat: Planned | undefined;
  private wake: (Wake & { at: number }) | undefined;
  private reconnecting: Wake | undefined;
  private guard: Wake | undefined;
  private stepping = false;
  private halted = false;
  private settled = false;

  constructor(private readonly options: ChargerOptions) {
    const { profile, scenario, seed, startAt, endAt, ledger } = options;
    const { chargePointId, protocol } = profile;
    this.profile = profile;
    this.scenario = scenario;
    this.ledger = ledger;
    this.startAt = startAt;
    this.endAt = endAt;
    this.time = startAt;
    this.bootedAt = startAt;
    this.dialect = protocol === 'ocpp1.6' ? v16(profile) : v2x(profile, protocol);
    this.network = seeded(seed, chargePointId, 'network');
    const faulty = seeded(seed, chargePointId, 'faults');
    this.faults = {
      ...NO_FAULTS,
      ...scenario.faults({ random: faulty, profile, durationMs: endAt - startAt }),
    };
    // The start is part of the name: another run says other things, and so must not repeat their ids.
    const ids = seeded(seed, chargePointId, startAt, 'ids');
    this.newId = ids.uuid;
    this.settings = {
      heartbeatSeconds: 300,
      sampleSeconds: scenario.sampleSeconds,
      attempts: 3,
      retrySeconds: 60,
      authorizeRemote: false,
      password: options.password === undefined ? undefined : Buffer.from(options.password),
    };
    this.outbox = new Outbox({
      chargePointId,
      protocol,
      ledger,
      newId: this.newId,
      transmit: (text, durable) => this.transmit(text, durable),
      attempts: () => this.settings.attempts,
      retryMs: () => this.settings.retrySeconds * 1_000,
      later: (ms, run) => void this.agenda.add(this.time + ms, run),
      repetition: () => this.faults.repetition(faulty),
      idle: () => this.advance(),
      timed: options.answeredIn,
    });
    this.outlets = Array.from(
      { length: profile.connectors },
      (_, index) => new Outlet(this, index + 1, seeded(seed, chargePointId, 'connector', index + 1)),
    );
  }

  /** Switches the power on. */
  start(): void {
    const { startAt, faults, agenda } = this;
    agenda.add(startAt, () => {
      this.bootedAt = this.time;
      this.comeBack();
      for (const outlet of this.outlets) outlet.await();
    });
    for (const outage of faults.outages) {
      agenda.add(startAt + outage.fromMs, () => this.leave(outage.midCall));
      agenda.add(startAt + outage.toMs, () => this.comeBack());
    }
    this.advance();
  }

  /** No car comes from now on; who is here may finish. */
  closeDoors(): void {
    const now = this.options.clock.now();
    this.endAt = Math.min(this.endAt, Number.isFinite(now) ? Math.max(this.time, now) : this.time);
    this.agenda.drop(this.heartbeat);
    this.heartbeat = undefined;
    this.advance();
  }

  /** Ends at once: nothing is finished, the socket is closed with 1000. */
  halt(): void {
    this.halted = true;
    this.agenda.clear();
    for (const timer of [this.wake, this.reconnecting, this.guard]) timer?.cancel();
    this.link?.close(1000, 'the simulation ends');
  }

  get online(): boolean {
    return this.state === 'open' && this.accepted;
  }

  get shown(): number {
    const { clock } = this.faults;
    if (clock.kind === 'epoch') return this.time - this.bootedAt;
    return this.time + (clock.kind === 'hours' ? clock.hours * 3_600_000 : 0);
  }

  // ---- the agenda ----

  plan(at: number, run: () => void): Planned {
    const planned = this.agenda.add(at, run);
    if (!this.stepping) this.advance();
    return planned;
  }

  drop(planned: Planned): void {
    this.agenda.drop(planned);
  }

  private readonly advance = (): void => {
    if (this.stepping || this.halted) return;
    this.stepping = true;
    try {
      while (!this.halted && !this.busy) {
        const { next } = this.agenda;
        if (next === undefined || (!this.options.finishes && next.at >= this.options.endAt)) break;
        if (next.at > this.options.clock.now()) {
          this.wakeAt(next.at);
          break;
        }
        this.agenda.take();
        this.time = Math.max(this.time, next.at);
        next.run();
      }
    } finally {
      this.stepping = false;
    }
    this.tellSettled();
  };

  private get busy(): boolean {
    return (
      this.state === 'dialling' ||
      this.outbox.busy ||
      (this.state === 'down' && !this.away && this.options.clock.speed === Number.POSITIVE_INFINITY)
    );
  }

  private wakeAt(at: number): void {
    if (this.wake !== undefined && this.wake.at <= at) return;
    this.wake?.cancel();
    const wake = this.options.clock.wake(at, () => {
      this.wake = undefined;
      this.advance();
    });
    this.wake = Object.assign(wake, { at });
  }

  private tellSettled(): void {
    const { next } = this.agenda;
    const nothingPlanned = next === undefined || (!this.options.finishes && next.at >= this.options.endAt);
    const settled = nothingPlanned && !this.busy && (this.outbox.empty || !this.options.finishes);
    if (settled === this.settled) return;
    this.settled = settled;
    this.options.onSettled(settled);
  }

  // ---- the connection ----

  private comeBack(): void {
    this.away = false;
    this.connect();
  }

  private leave(midCall: boolean): void {
    if (midCall && this.online && this.outlets.some((outlet) => outlet.occupied)) {
      this.cutAfterNext = true;
      this.outlets.find((outlet) => outlet.occupied)!.sample('Sample.Periodic');
    } else {
      this.cut();
    }
  }

  private cut(): void {
    this.away = true;
    this.cutAfterNext = false;
    this.reconnecting?.cancel();
    this.link?.cut('the line went dead');
  }

  private connect(): void {
    if (this.state !== 'down') return;
    this.state = 'dialling';
    this.options.dial(() => {
      if (this.halted) {
        this.options.dialled();
        return;
      }
      this.link = new Link(
        {
          url: this.options.urls[this.lostLines % this.options.urls.length]!,
          chargePointId: this.profile.chargePointId,
          protocol: this.profile.protocol,
          password: this.settings.password,
        },
        this,
      );
    });
  }

  opened(): void {
    this.options.dialled();
    this.state = 'open';
    this.ledger.counts.connects++;
    this.guardAnswers();
    if (this.accepted) this.resume();
    else this.boot();
  }

  closed(code: number, reason: string): void {
    const { counts } = this.ledger;
    if (this.state === 'open') counts.disconnects++;
    else {
      counts.refusals++;
      this.options.dialled();
    }
    this.state = 'down';
    this.link = undefined;
    this.guard?.cancel();
    this.outbox.closed();
    if (this.halted) return;
    if (!this.away) {
      this.lostLines++;
      this.options.onConnectionLost(code, reason);
      const waitMs = backoffMs(this.failures++, this.options.reconnect, this.network.next);
      const { wall } = this.options;
      this.reconnecting = wall.wake(wall.now() + waitMs, () => {
        this.catchUp();
        if (!this.away) this.connect();
      });
    }
    this.advance();
  }

  /** Nothing may have happened for long while the line was down: what is said now has the time of now. */
  private catchUp(): void {
    const now = this.options.clock.now();
    if (Number.isFinite(now)) this.time = Math.max(this.time, Math.min(now, this.agenda.next?.at ?? now));
  }

  private transmit(text: string, durable: boolean): void {
    this.link?.send(text);
    if (durable && this.cutAfterNext) this.cut();
  }

  /** A server that takes a CALL and stays silent: the connection counts as dead, what was sent as undelivered. */
  private guardAnswers(): void {
    const { wall, answerTimeoutMs } = this.options;
    this.guard = wall.wake(wall.now() + answerTimeoutMs / 4, () => {
      const { waitingSince } = this.outbox;
      if (waitingSince !== undefined && performance.now() - waitingSince > answerTimeoutMs) {
        this.ledger.counts.timeouts++;
        this.link?.cut('no answer');
      } else {
        this.guardAnswers();
      }
    });
  }

  private boot(): void {
    this.outbox.pushUrgent(
      this.dialect.boot(
        this.bootReason,
        ({ status, interval }) => {
          const seconds = typeof interval === 'number' && interval > 0 ? interval : undefined;
          if (status === 'Accepted') {
            this.accepted = true;
            this.settings.heartbeatSeconds = seconds ?? this.settings.heartbeatSeconds;
            this.stationReported = false;
            for (const outlet of this.outlets) outlet.reported = undefined;
            this.resume();
          } else {
            // Pending or Rejected: nothing is said before the interval has passed (OCPP 1.6, 4.2; 2.0.1 Part 2, B02).
            this.bootAgain(seconds ?? 60);
          }
        },
        () => this.bootAgain(60),
      ),
    );
  }

  private bootAgain(seconds: number): void {
    this.agenda.add(this.time + seconds * 1_000, () => {
      if (this.state === 'open' && !this.accepted) this.boot();
    });
  }

  private resume(): void {
    this.failures = 0;
    this.outbox.opened(this.changedStatuses());
    this.agenda.drop(this.heartbeat);
    this.planHeartbeat();
  }

  private planHeartbeat(): void {
    const at = this.time + this.settings.heartbeatSeconds * 1_000;
    if (at >= this.endAt) return;
    this.heartbeat = this.agenda.add(at, () => {
      this.send([this.dialect.heartbeat()]);
      this.planHeartbeat();
    });
  }

  // ---- what outlets tell ----

  send(calls: readonly Call[]): void {
    for (const call of calls) this.outbox.push(call);
  }

  statusChanged(outlet: Outlet): void {
    if (this.online) this.send(this.statusOf(outlet));
  }

  sessionEnded(): void {
    if (this.resetWhenIdle !== undefined && !this.outlets.some((outlet) => outlet.occupied))
      this.reboot(this.resetWhenIdle);
  }

  idTag(connectorId: number, nth: number): string {
    return this.options.idTag(this.profile, connectorId, nth);
  }

  private changedStatuses(): Call[] {
    const station =
      this.dialect.reportsStation && !this.stationReported
        ? [this.dialect.status(0, 'Available', this.shown)]
        : [];
    this.stationReported = true;
    return [...station, ...this.outlets.flatMap((outlet) => this.statusOf(outlet))];
  }

  private statusOf(outlet: Outlet): Call[] {
    const word = this.dialect.statusWord(outlet.status);
    if (word === outlet.reported) return [];
    outlet.reported = word;
    return [this.dialect.status(outlet.connectorId, outlet.status, this.shown)];
  }

  // ---- what the server says ----

  result(messageId: string, payload: Payload, text: string): void {
    this.outbox.answered(messageId, payload, text);
  }

  error(messageId: string, code: string, text: string): void {
    this.outbox.refused(messageId, code, text);
  }

  called(messageId: string, action: string, payload: Payload, text: string): string {
    const { password } = this.settings;
    const answer = this.dialect.reply(action, payload, this);
    if (this.settings.password !== password) this.comeAgain();
    const reply =
      typeof answer === 'string' ? errorText(messageId, answer, action) : resultText(messageId, answer);
    const { chargePointId, protocol } = this.profile;
    this.ledger.commanded({ chargePointId, protocol, messageId, action, text, reply });
    return reply;
  }

  /** With its new key (2.0.1 Part 2, A01; 1.6 Security Whitepaper): at once, when what it has to say is said. */
  private comeAgain(): void {
    this.soon(() => this.link?.close(1000, 'a new key'));
  }

  /** What a command sets off happens now, but after its reply. */
  private soon(run: () => void, afterMs = 0): void {
    const now = this.options.clock.now();
    this.agenda.add((Number.isFinite(now) ? Math.max(this.time, now) : this.time) + afterMs, run);
    setImmediate(this.advance);
  }

  transactions(): (string | undefined)[] {
    return this.outlets.map(({ transactionId }) => transactionId);
  }

  hasTransaction(transactionId: string): boolean {
    return this.transactions().includes(transactionId);
  }

  queued(transactionId: string | undefined): boolean {
    return this.outbox.holds(transactionId);
  }

  say(afterMs: number, action: string, payload: () => Payload): void {
    this.soon(() => {
      if (this.online) this.send([{ action, durable: false, payload }]);
    }, afterMs);
  }

  reserve(
    connectorId: number | undefined,
    { id, idTag, untilMs }: { id: number; idTag: string; untilMs: number },
    expired: () => void,
  ): 'Accepted' | 'Occupied' | 'Unavailable' | 'Rejected' {
    // The same id again replaces its reservation (OCPP 1.6, 5.13).
    this.outlets.find(({ reservation }) => reservation?.id === id)?.unreserve();
    const any = connectorId === undefined || connectorId === 0;
    const wanted = this.outlets.filter((outlet) => any || outlet.connectorId === connectorId);
    if (wanted.length === 0 || untilMs <= this.shown) return 'Rejected';
    const outlet = wanted.find(({ status }) => status === 'Available') ?? (wanted[0] as Outlet);
    const word = outlet.reserve({ id, idTag });
    if (word === 'Accepted')
      this.soon(() => {
        if (outlet.reservation?.id !== id) return;
        outlet.unreserve();
        expired();
      }, untilMs - this.shown);
    return word;
  }

  cancelReservation(id: number): boolean {
    const outlet = this.outlets.find(({ reservation }) => reservation?.id === id);
    outlet?.unreserve();
    return outlet !== undefined;
  }

  limitW(connectorId: number): number {
    const { maxPowerW, phases, current } = this.profile;
    const perAmp = current === 'DC' ? 400 : 230 * phases;
    return this.memory
      .profilesFor(connectorId)
      .map(({ unit, periods }) => (periods[0]?.limit ?? maxPowerW) * (unit === 'A' ? perAmp : 1))
      .reduce((least, limit) => Math.min(least, limit), maxPowerW);
  }

  remoteStart(connectorId: number | undefined, idTag: string, remoteStartId: number | undefined): boolean {
    const free = (outlet: Outlet) =>
      !outlet.occupied &&
      (['Available', 'Preparing'].includes(outlet.status) || outlet.reservation?.idTag === idTag);
    const outlet = this.outlets.find(
      (one) => (connectorId === undefined || one.connectorId === connectorId) && free(one),
    );
    if (outlet === undefined) return false;
    this.soon(() => outlet.remoteStart(idTag, remoteStartId));
    return true;
  }

  remoteStop(transactionId: string): boolean {
    const outlet = this.outlets.find((one) => one.transactionId === transactionId);
    if (outlet === undefined) return false;
    this.soon(() => {
      if (outlet.transactionId === transactionId) outlet.stop('Remote');
    });
    return true;
  }

  reset(kind: 'HardReset' | 'SoftReset', whenIdle: boolean): void {
    if (whenIdle && this.outlets.some((outlet) => outlet.occupied)) {
      this.resetWhenIdle = kind;
      return;
    }
    this.soon(() => {
      for (const outlet of this.outlets) outlet.stop(kind);
      this.reboot(kind);
    });
  }

  /** Planned, not done: what was just said is delivered first, as the agenda waits for the outbox. */
  private reboot(kind: 'HardReset' | 'SoftReset'): void {
    this.resetWhenIdle = undefined;
    this.agenda.add(this.time + 1_000, () => {
      this.away = true;
      this.accepted = false;
      this.bootReason = kind === 'SoftReset' ? 'ScheduledReset' : 'RemoteReset';
      this.reconnecting?.cancel();
      this.link?.close(1000, 'reboot');
      this.agenda.add(this.time + 15_000, () => {
        this.bootedAt = this.time;
        this.comeBack();
      });
    });
  }

  setOperative(connectorId: number, operative: boolean): 'Accepted' | 'Scheduled' | 'Rejected' {
    const concerned =
      connectorId === 0 ? this.outlets : this.outlets.filter((outlet) => outlet.connectorId === connectorId);
    if (concerned.length === 0) return 'Rejected';
    const later = !operative && concerned.some((outlet) => outlet.occupied);
    this.soon(() => {
      for (const outlet of concerned) outlet.setOperative(operative);
    });
    return later ? 'Scheduled' : 'Accepted';
  }

  unlock(connectorId: number): boolean {
    const outlet = this.outlets.find((one) => one.connectorId === connectorId);
    if (outlet !== undefined) this.soon(() => outlet.stop('UnlockCommand'));
    return outlet !== undefined;
  }

  trigger(message: string, connectorId: number | undefined): 'Accepted' | 'Rejected' | 'NotImplemented' {
    const concerned = this.outlets.filter(
      (outlet) => connectorId === undefined || connectorId === 0 || outlet.connectorId === connectorId,
    );
    switch (message) {
      case 'BootNotification':
        this.soon(() => this.boot());
        return 'Accepted';
      case 'Heartbeat':
        this.soon(() => this.send([this.dialect.heartbeat()]));
        return 'Accepted';
      case 'StatusNotification':
        if (concerned.length === 0) return 'Rejected';
        this.soon(() => {
          for (const outlet of concerned) outlet.reported = undefined;
          if (this.online) for (const outlet of concerned) this.send(this.statusOf(outlet));
        });
        return 'Accepted';
      case 'MeterValues':
      case 'TransactionEvent':
        if (!concerned.some((outlet) => outlet.occupied)) return 'Rejected';
        this.soon(() => {
          for (const outlet of concerned) outlet.sample('Trigger');
        });
        return 'Accepted';
      // Nothing of the kind is under way.
      case 'DiagnosticsStatusNotification':
      case 'FirmwareStatusNotification':
      case 'LogStatusNotification':
        this.say(0, message, () => ({ status: 'Idle' }));
        return 'Accepted';
      default:
        return 'NotImplemented';
    }
  }
}
