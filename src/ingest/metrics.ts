/** Everything the gateway counts: one closed table of names, see `NAMES`. */
import type { Protocol } from '../domain/ocpp/record.js';
import type { Outcome } from '../domain/ocpp/respond.js';
import { Counter, Gauge, Histogram, type Registry } from '../platform/metrics.js';
import type { CallOutcome } from './calls.js';
import type { RefusalReason } from './refusals.js';

export const NAMES = {
  frames: 'wattstream_ingest_frames_total',
  connections: 'wattstream_ingest_connections',
  connects: 'wattstream_ingest_connects_total',
  disconnects: 'wattstream_ingest_disconnects_total',
  refusals: 'wattstream_ingest_refusals_total',
  calls: 'wattstream_ingest_calls_total',
  commands: 'wattstream_ingest_commands_total',
  ghosts: 'wattstream_ingest_ghosts_total',
  bindings: 'wattstream_ingest_bindings',
  confirm: 'wattstream_ingest_confirm_seconds',
  unconfirmed: 'wattstream_ingest_unconfirmed',
  publisher: 'wattstream_ingest_publisher_state',
  pauses: 'wattstream_ingest_pauses_total',
  starts: 'wattstream_ingest_single_starts_total',
  transactions: 'wattstream_ingest_transactions',
  transactionsInformed: 'wattstream_ingest_transactions_informed',
} as const;

/** Why reading from a charger is held (see connection.ts). */
export type HoldCause = 'full' | 'rate' | 'window' | 'slow' | 'draining';

/** What became of a command from the queue (see commands.ts). */
export type CommandOutcome =
  | 'repeated'
  | 'accepted'
  | 'rejected'
  | 'failed'
  | 'timed-out'
  | 'offline'
  /** A defect of ours: its outcome is left to the api's sweep. */
  | 'defect';

/**
 * A counter by one label, kept as plain numbers and handed to the metrics library only when somebody asks:
 * its own `inc` with labels costs as much as parsing a Heartbeat.
 */
export class Tally<Label extends string = string> {
  private readonly counts = new Map<string, number>();

  constructor(name: string, help: string, label: string, registry: Registry) {
    const { counts } = this;
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of counts) this.inc({ [label]: value }, count);
      },
    });
  }

  add(value: Label): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }
}

export interface Observed {
  connections(): number;
  bindings(): number;
  unconfirmed(): number;
  publisherState(): string;
  transactions(): number;
  transactionsInformed(): boolean;
}

export class IngestMetrics {
  readonly frames: Tally<Outcome | 'binary' | 'defect'>;
  readonly connects: Tally<Protocol>;
  readonly disconnects: Tally;
  readonly refusals: Tally<RefusalReason>;
  readonly calls: Tally<CallOutcome>;
  readonly commands: Tally<CommandOutcome>;
  readonly ghosts: Tally<'closed' | 'kept'>;
  readonly pauses: Tally<HoldCause>;
  readonly starts: Tally<'Accepted' | 'ConcurrentTx'>;
  private readonly confirm: Histogram;

  constructor(private readonly registry: Registry) {
    const tally = <Label extends string>(name: string, help: string, label: string) =>
      new Tally<Label>(name, help, label, registry);
    this.frames = tally(NAMES.frames, 'Texts from chargers, by what became of them', 'outcome');
    this.connects = tally(NAMES.connects, 'Chargers let in, by protocol', 'protocol');
    this.disconnects = tally(NAMES.disconnects, 'Connections ended, by WebSocket close code', 'code');
    this.refusals = tally(NAMES.refusals, 'Chargers not let in, by reason', 'reason');
    this.calls = tally(NAMES.calls, 'Our CALLs to chargers, by outcome', 'outcome');
    this.commands = tally(NAMES.commands, 'Commands from the queue, by what became of them', 'outcome');
    this.ghosts = tally(
      NAMES.ghosts,
      'Connections that another gateway announced a newer one of: closed, or kept because ours is newer',
      'outcome',
    );
    this.pauses = tally(NAMES.pauses, 'Times reading from a charger was paused, by cause', 'cause');
    this.starts = tally(
      NAMES.starts,
      'Starts with tokens that may be in one transaction at a time, by what was answered; repeats count',
      'status',
    );
    this.confirm = new Histogram({
      name: NAMES.confirm,
      help: 'From a frame in hand to its confirm by RabbitMQ',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  confirmed(milliseconds: number): void {
    this.confirm.observe(milliseconds / 1_000);
  }

  /** Gauges that are read from their owner when somebody asks. */
  observe(observed: Observed): void {
    const registers = [this.registry];
    new Gauge({
      name: NAMES.connections,
      help: 'Chargers connected now',
      registers,
      collect() {
        this.set(observed.connections());
      },
    });
    new Gauge({
      name: NAMES.bindings,
      help: 'Chargers whose commands come here',
      registers,
      collect() {
        this.set(observed.bindings());
      },
    });
    new Gauge({
      name: NAMES.unconfirmed,
      help: 'Records RabbitMQ has not confirmed yet',
      registers,
      collect() {
        this.set(observed.unconfirmed());
      },
    });
    new Gauge({
      name: NAMES.transactions,
      help: 'Transactions known here, those that ended lately included',
      registers,
      collect() {
        this.set(observed.transactions());
      },
    });
    new Gauge({
      name: NAMES.transactionsInformed,
      help: '1 when transactions of other gateways are known; 0: a token that charges elsewhere is accepted',
      registers,
      collect() {
        this.set(observed.transactionsInformed() ? 1 : 0);
      },
    });
    new Gauge({
      name: NAMES.publisher,
      help: '1 for the state the publisher is in',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of ['flowing', 'full', 'stalled'])
          this.set({ state }, observed.publisherState() === state ? 1 : 0);
      },
    });
  }
}
