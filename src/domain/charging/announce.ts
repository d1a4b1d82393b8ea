/**
 * What a record announces: said at once, to whoever watches a session, a connector or a charger.
 *
 * Everything is decided by the log alone, record by record: the content is what the evidence amounts to after
 * exactly this record, the id is made of its position, and what was announced before is part of the state that
 * checkpoints keep. So whoever folds the same records says the same under the same ids, wherever flushes lie and
 * a crash cuts.
 *
 * - `session.*`: when a session appeared, ended, changed in something weighty (status, held, whose it is), vanished;
 *   else when what is shown of it changed and at least a second of log time has passed since the last time.
 * - `connector.status`: when the newest stretch of `status_intervals` is another status. The past may be corrected
 *   without a word.
 * - `charger.online`, `charger.offline`: when the connection it is reached by is another, or none.
 * - `anomaly.found`: for each row of its own, and for each kind that a session did not have before.
 */
import { createHash } from 'node:crypto';
import type { Announcement } from '../messages/charging-events.js';
import type { StoredRecord } from '../ocpp/record.js';
import { chargerContent, connectorContent, instantText, sessionContent } from './announcements.js';
import { type ChargePoint, nothingNoted } from './charge-point.js';
import { figuresOf, people, type SessionFigures } from './project.js';
import type { Session } from './sessions.js';
import type { AnnouncedPoint, AnnouncedSession, ChargePointState } from './state.js';
import { newestStretch } from './status.js';

/** Whose announcements: generations differ in their rules, epochs in their logs, so their ids differ too. */
export interface AnnounceAs {
  readonly generation: number;
  readonly epoch: number;
}

const SESSION_INTERVAL_MS = 1_000;
const EPOCH = 2 ** 48;
/** As `messages/message.ts` has it. A record that somebody else wrote may name anything. */
const LONGEST_ID = 48;

/** One more unit of `T` without its members `K`, for each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What one record announces. */
export class RecordAnnouncer {
  private readonly said: Announcement[] = [];
  private readonly watched = new Set<ChargePoint>();
  private readonly version: number;

  constructor(
    private readonly record: StoredRecord,
    private readonly as: AnnounceAs,
  ) {
    this.version = this.versionOf(record.offset);
  }

  /** Call before the record changes anything of the charge point. */
  watch(point: ChargePoint): void {
    const { id } = point.state.core;
    if (id.length === 0 || id.length > LONGEST_ID) return;
    point.noted ??= nothingNoted();
    this.watched.add(point);
  }

  /** Call when the record has been applied, before anything is let go of. */
  sessionsOf(point: ChargePoint): void {
    const { noted } = point;
    if (noted === undefined) return;
    for (const [sessionId, session] of noted.vanished) this.vanished(point, sessionId, session);
    for (const sessionId of noted.sessions) {
      const session = point.sessions.get(sessionId);
      if (session !== undefined) this.session(point, session, noted.appeared.has(sessionId));
    }
    this.anomalies(point);
  }

  /** Everything, once the record is done with; connectors and chargers last, since it may also close a gateway. */
  finish(): readonly Announcement[] {
    for (const point of this.watched) {
      for (const key of point.noted?.outlets ?? []) this.connector(point, key);
      if (point.noted?.connections) this.charger(point);
      point.noted = undefined;
    }
    return this.said;
  }

  private session(point: ChargePoint, session: Session, appeared: boolean): void {
    const { offset, receivedAt } = this.record;
    const figures = figuresOf(point.state, session, offset);
    point.figures.set(session.sessionId, figures);
    const { row } = figures;
    const content = sessionContent(figures);
    const known = announcedOf(point, session);
    const weighty = digest([row.status, row.held, row.stationId, row.accountId, row.evseId]);
    const view = digest(content);
    const rested = known === undefined || Math.abs(receivedAt - known.at) >= SESSION_INTERVAL_MS;
    const isNew = appeared || known === undefined || known.status === 'vanished';
    if (isNew || known.weighty !== weighty || (rested && known.view !== view)) {
      const type = typeOf(row, known, appeared);
      const previous = this.previous(known);
      this.say(
        point,
        row.sessionId,
        { type, version: this.version, previous, session: content },
        row.stationId,
        row.accountId,
      );
      const { status } = row;
      const kinds = known?.kinds ?? [];
      remember(point, session, { offset, at: receivedAt, status, weighty, view, kinds });
    }
    this.newKinds(point, session, row);
  }

  private newKinds(point: ChargePoint, session: Session, row: SessionFigures['row']): void {
    const known = announcedOf(point, session) as AnnouncedSession;
    for (const { kind, detail } of row.anomalies) {
      if (known.kinds.includes(kind)) continue;
      known.kinds = [...known.kinds, kind];
      point.changedParts.add(session.partKeys[0] as string);
      const subject = `${row.sessionId}/${kind}`;
      const found = { type: 'anomaly.found', sessionId: row.sessionId, kind, detail } as const;
      this.say(point, subject, found, row.stationId, row.accountId);
    }
  }

  private vanished(point: ChargePoint, sessionId: string, session: Session): void {
    const known = announcedOf(point, session);
    const { offset, receivedAt } = this.record;
    const { stationId, accountId } = people(session);
    const previous = this.previous(known);
    const gone = { type: 'session.vanished', version: this.version, previous, sessionId } as const;
    this.say(point, sessionId, gone, stationId, accountId);
    const kinds = known?.kinds ?? [];
    remember(point, session, { offset, at: receivedAt, status: 'vanished', weighty: '', view: '', kinds });
  }

  /** Rows of this very record. */
  private anomalies(point: ChargePoint): void {
    const rows = point.touched.rows.anomalies;
    let first = rows.length;
    while (first > 0 && rows[first - 1]?.offset === this.record.offset) first--;
    for (const { number, sessionId, kind, detail } of rows.slice(first))
      this.say(point, String(number), { type: 'anomaly.found', sessionId, kind, detail });
  }

  private connector(point: ChargePoint, key: string): void {
    const { core } = point.state;
    const outlet = core.outlets[key];
    const now = outlet === undefined ? undefined : newestStretch(core, outlet);
    if (outlet === undefined || now === undefined) return;
    const announced = announcedPoint(point);
    const known = announced.outlets[key];
    const { status, errorCode, vendorCode } = now;
    const same =
      known !== undefined &&
      known.status === status &&
      known.errorCode === errorCode &&
      known.vendorCode === vendorCode;
    if (same) return;
    const subject = `${core.id}/${key}`;
    const previous = this.previous(known);
    const content = { version: this.version, previous, ...connectorContent(outlet, now) };
    this.say(point, subject, content, undefined, accountAt(point, outlet.evseId));
    announced.outlets[key] = { offset: this.record.offset, status, errorCode, vendorCode };
  }

  private charger(point: ChargePoint): void {
    const { core } = point.state;
    const { connections } = core;
    const open = connections.findLast((connection) => connection.to === null);
    const announced = announcedPoint(point);
    const known = announced.presence;
    if (known !== undefined && known.connection === (open?.connection ?? '')) return;
    const left = connections.findLast((connection) => connection.connection === known?.connection);
    const of = open ?? left ?? connections[connections.length - 1];
    if (of === undefined) return;
    const type = open === undefined ? 'charger.offline' : 'charger.online';
    const previous = this.previous(known);
    this.say(point, core.id, { type, version: this.version, previous, ...chargerContent(of) });
    announced.presence = { offset: this.record.offset, connection: open?.connection ?? '' };
  }

  private say(
    { state: { core } }: ChargePoint,
    subject: string,
    content: Without<Announcement, 'id' | 'schema' | 'at' | 'chargePointId' | 'stationId' | 'accountId'>,
    stationId = core.station ?? '',
    accountId = '',
  ): void {
    const { partition, offset, receivedAt } = this.record;
    const { generation, epoch } = this.as;
    this.said.push({
      id: `${content.type}/${generation}/${epoch}/${partition}/${offset}/${subject}`,
      schema: 1,
      at: instantText(receivedAt),
      chargePointId: core.id,
      stationId,
      accountId,
      ...content,
    } as Announcement);
  }

  private previous(known: { readonly offset: number } | undefined): number | null {
    return known === undefined ? null : this.versionOf(known.offset);
  }

  private versionOf(offset: number): number {
    return this.as.epoch * EPOCH + offset;
  }
}

function typeOf(
  row: SessionFigures['row'],
  known: AnnouncedSession | undefined,
  appeared: boolean,
): 'session.started' | 'session.updated' | 'session.stopped' {
  const fresh = appeared || known?.status === 'vanished';
  if (row.status === 'active') return fresh ? 'session.started' : 'session.updated';
  return fresh || known?.status === 'active' ? 'session.stopped' : 'session.updated';
}

/** Kept with the evidence that the session is named for, and let go of with it. */
const announcedOf = (point: ChargePoint, session: Session): AnnouncedSession | undefined =>
  point.state.parts.get(session.partKeys[0] as string)?.announced?.[session.sessionId];

function remember(point: ChargePoint, session: Session, announced: AnnouncedSession): void {
  const key = session.partKeys[0] as string;
  const part = point.state.parts.get(key);
  if (part === undefined) return;
  part.announced ??= {};
  part.announced[session.sessionId] = announced;
  point.changedParts.add(key);
}

function announcedPoint({ state }: { state: ChargePointState }): AnnouncedPoint {
  state.core.announced ??= { outlets: {} };
  return state.core.announced;
}

/** Who charges there now: whoever did so before is none to be told of it. '' when nobody does, or several. */
function accountAt(point: ChargePoint, evseId: number): string {
  const accounts = new Set<string>();
  for (const session of point.sessions.values()) {
    if (session.evseId === evseId && session.stoppedAt === undefined && !session.abandoned)
      accounts.add(people(session).accountId);
  }
  const [account = ''] = accounts;
  return accounts.size === 1 ? account : '';
}

const digest = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 16);
