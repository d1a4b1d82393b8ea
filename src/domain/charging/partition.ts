/**
 * The fold of one partition of the log: its charge points and the gateways that serve them. Charge points
 * loaded from a checkpoint stay text until a record of theirs comes, since most are quiet most of the time.
 */
import type { Announcement } from '../messages/charging-events.js';
import type { StoredRecord } from '../ocpp/record.js';
import { type AnnounceAs, RecordAnnouncer } from './announce.js';
import { type ChargePoint, chargePointFrom, RecentFigures } from './charge-point.js';
import type { Decoded } from './events.js';
import { type EvolveSettings, evolve, gatewayGone } from './evolve.js';
import { LIVENESS_MS } from './presence.js';
import type { Rows } from './rows.js';
import { fromPages, type Page, pageName, pageText, readPageName } from './sample-pages.js';
import { type ChargePointCore, initialState, type TransactionPart } from './state.js';
import { hasRows, takeRows } from './take-rows.js';

/**
 * A piece of state as a checkpoint keeps it: of a charge point its `core`, one text per part, and one per hour of
 * a part's samples; '' = gone.
 */
export interface StateText {
  /** '' = the partition's own (its gateways). */
  readonly chargePointId: string;
  readonly part: string;
  readonly text: string;
}

const CORE = 'core';
const GATEWAYS = 'gateways';
const ANNOUNCING = 'announcing';
const SILENCE: readonly Announcement[] = [];

interface GatewayState {
  lastAt: number;
  gone: boolean;
}

export class PartitionFold {
  private readonly live = new Map<string, ChargePoint>();
  private readonly dormant = new Map<string, Map<string, string>>();
  /** Touched since the rows were last taken; since the states were last taken. */
  private readonly changed = new Set<ChargePoint>();
  private readonly unsaved = new Set<ChargePoint>();
  private gateways: Record<string, GatewayState> = {};
  private gatewaysChanged = false;
  /** Of all its charge points. */
  private readonly figures = new RecentFigures();
  private isAnnouncing = false;
  private announcingChanged = false;
  /** No gateway can have missed its liveness before this time of the log. */
  private nextSilence = 0;

  constructor(
    private readonly settings: EvolveSettings,
    states: Iterable<StateText> = [],
    private readonly announceAs: AnnounceAs = { generation: 1, epoch: 1 },
  ) {
    for (const { chargePointId, part, text } of states) this.restore(chargePointId, part, text);
  }

  /** Folds one record; `decoded` is what `decode(record)` said of it. What it announces, while `announcing`. */
  apply(record: StoredRecord, decoded: Decoded): readonly Announcement[] {
    const announcer = this.isAnnouncing ? new RecordAnnouncer(record, this.announceAs) : undefined;
    const kind = decoded.event?.kind;
    if (kind !== 'gateway-alive' && kind !== 'gateway-started') {
      const point = this.chargePoint(record.chargePointId);
      evolve(point, record, decoded, this.settings, announcer);
      this.changed.add(point);
    }
    // After the record itself: a gateway found gone marks its charge points as applied through this record.
    this.noteGateway(record, decoded, announcer);
    return announcer?.finish() ?? SILENCE;
  }

  get announcing(): boolean {
    return this.isAnnouncing;
  }

  /** From the next record on. Off, nothing is projected for announcements, and none is remembered. */
  announce(on: boolean): void {
    if (on === this.isAnnouncing) return;
    this.isAnnouncing = on;
    this.announcingChanged = true;
  }

  /** Rows of everything touched since the last call. */
  takeRows(): Rows[] {
    const taken: Rows[] = [];
    for (const point of this.changed) if (hasRows(point)) taken.push(takeRows(point));
    for (const point of this.changed) this.unsaved.add(point);
    this.changed.clear();
    this.figures.clear();
    return taken;
  }

  /** States changed since the last call, to be written with the marker of a checkpoint. Call after `takeRows`. */
  takeStates(): StateText[] {
    const texts: StateText[] = [];
    for (const point of this.unsaved) {
      const { core, parts } = point.state;
      texts.push({ chargePointId: core.id, part: CORE, text: JSON.stringify(core) });
      for (const key of point.changedParts) {
        const part = parts.get(key);
        const text = part === undefined ? '' : JSON.stringify({ ...part, samples: {} });
        texts.push({ chargePointId: core.id, part: key, text });
      }
      point.changedParts.clear();
      takePages(point, texts);
    }
    this.unsaved.clear();
    if (this.gatewaysChanged) {
      texts.push({ chargePointId: '', part: GATEWAYS, text: JSON.stringify(this.gateways) });
      this.gatewaysChanged = false;
    }
    if (this.announcingChanged) {
      texts.push({ chargePointId: '', part: ANNOUNCING, text: this.isAnnouncing ? 'on' : '' });
      this.announcingChanged = false;
    }
    return texts;
  }

  get chargePoints(): number {
    return this.live.size + this.dormant.size;
  }

  private chargePoint(id: string): ChargePoint {
    let point = this.live.get(id);
    if (point === undefined) {
      const texts = this.dormant.get(id);
      this.dormant.delete(id);
      point = texts === undefined ? chargePointFrom(initialState(id)) : parsePoint(id, texts);
      point.figures = this.figures;
      this.live.set(id, point);
    }
    return point;
  }

  private restore(chargePointId: string, part: string, text: string): void {
    // A record that somebody else wrote may name no charge point either.
    if (chargePointId === '' && part === GATEWAYS) {
      this.gateways = JSON.parse(text) as Record<string, GatewayState>;
      return;
    }
    if (chargePointId === '' && part === ANNOUNCING) {
      this.isAnnouncing = true;
      return;
    }
    const texts = this.dormant.get(chargePointId);
    if (texts === undefined) this.dormant.set(chargePointId, new Map([[part, text]]));
    else texts.set(part, text);
  }

  /** Every record proves that its gateway lives; one that is silent for too long, by the log's clock, is gone. */
  private noteGateway(record: StoredRecord, decoded: Decoded, announcer: RecordAnnouncer | undefined): void {
    const now = record.receivedAt;
    const known = this.gateways[record.gateway];
    if (decoded.event?.kind === 'gateway-started' && known !== undefined)
      this.gone(record.gateway, record.offset, announcer);
    if (known === undefined || known.gone || now - known.lastAt > LIVENESS_MS / 10) {
      const lastAt = Math.max(now, known?.lastAt ?? now);
      this.gateways[record.gateway] = { lastAt, gone: false };
      this.gatewaysChanged = true;
      // Gateways' clocks differ: this one may fall silent before those that were looked at last.
      this.nextSilence = Math.min(this.nextSilence, lastAt + LIVENESS_MS);
    }
    if (now < this.nextSilence) return;
    this.nextSilence = Number.POSITIVE_INFINITY;
    for (const [gateway, state] of Object.entries(this.gateways)) {
      if (state.gone) continue;
      const silentFrom = state.lastAt + LIVENESS_MS;
      if (now >= silentFrom) {
        this.gone(gateway, record.offset, announcer);
        state.gone = true;
        this.gatewaysChanged = true;
      } else this.nextSilence = Math.min(this.nextSilence, silentFrom);
    }
    if (this.nextSilence === Number.POSITIVE_INFINITY) this.nextSilence = now + LIVENESS_MS;
  }

  private gone(gateway: string, offset: number, announcer: RecordAnnouncer | undefined): void {
    for (const id of [...this.dormant.keys()]) {
      if (this.dormant.get(id)?.get(CORE)?.includes(JSON.stringify(gateway))) this.chargePoint(id);
    }
    for (const point of this.live.values()) {
      gatewayGone(point, gateway, offset, announcer);
      if (hasRows(point)) this.changed.add(point);
    }
  }
}

/** Pages of samples that changed; what there is no more of is said once, with ''. */
function takePages({ state, changedPages, savedPages }: ChargePoint, texts: StateText[]): void {
  for (const [key, pages] of changedPages) {
    const saved = savedPages.get(key) ?? new Set<Page>();
    for (const page of pages) {
      const text = pageText(state.parts.get(key)?.samples ?? {}, page);
      if (text === '' && !saved.has(page)) continue;
      texts.push({ chargePointId: state.core.id, part: pageName(key, page), text });
      if (text === '') saved.delete(page);
      else saved.add(page);
    }
    if (saved.size > 0) savedPages.set(key, saved);
    else savedPages.delete(key);
  }
  changedPages.clear();
}

function parsePoint(id: string, texts: Map<string, string>): ChargePoint {
  let { core } = initialState(id);
  const parts = new Map<string, TransactionPart>();
  const pages = new Map<string, Map<Page, string>>();
  for (const [name, text] of texts) {
    const page = readPageName(name);
    if (page !== undefined) {
      const ofPart = pages.get(page.partKey) ?? new Map<Page, string>();
      pages.set(page.partKey, ofPart.set(page.page, text));
    } else if (name === CORE) core = JSON.parse(text) as ChargePointCore;
    else parts.set(name, JSON.parse(text) as TransactionPart);
  }
  for (const [key, ofPart] of pages) {
    const part = parts.get(key);
    if (part !== undefined) part.samples = fromPages(ofPart);
  }
  const saved = new Map([...pages].map(([key, ofPart]) => [key, new Set(ofPart.keys())]));
  return chargePointFrom({ core, parts }, saved);
}
