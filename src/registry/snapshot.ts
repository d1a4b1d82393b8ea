/**
 * The registry's whole state as text, in chunks that are records of the stream `cms.snapshots`.
 *
 * A chunk is gzipped JSON lines with its own checksum; the last record says how many there were and what their
 * checksums amount to. So a snapshot that was torn (its writer was killed, retention took its beginning, a chunk is
 * damaged) is found out and skipped for the one before. Chunks of two writers may lie between each other.
 *
 * It stands for all events up to an offset of the log and names the event there, so that a log that is another one is
 * noticed. What was judged by other rules is no snapshot: `RULES` is raised when `evolve` would judge an old log
 * differently, and then the log is read from its beginning.
 */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { type Entity, emptyState, put, type RegistryState } from '../domain/registry/state.js';

/**
 * Of the judgement and of this format. 2: with `logins`. 3: without them, and judged by the rules that events name (older
 * processes know no LAST_ADMIN, and write down as applied what is void).
 */
const RULES = 3;

/** Of text before it is gzipped: so a record stays far below the 1 MiB that a stream takes, whatever is in it. */
const CHUNK_CHARS = 384 * 1024;
/** Lines between two pauses: chargers and requests are served meanwhile. */
const LINES_PER_TURN = 2_000;

const chunk = z.object({
  snapshot: z.string(),
  kind: z.literal('chunk'),
  index: z.int().nonnegative(),
  sha256: z.string(),
  data: z.string(),
});
const end = z.object({
  snapshot: z.string(),
  kind: z.literal('end'),
  rules: z.int(),
  chunks: z.int().nonnegative(),
  sha256: z.string(),
  offset: z.int().nonnegative(),
  eventId: z.string(),
  takenAt: z.string(),
});

/** What a snapshot stands for: the log up to this offset, at which this event lies. */
export interface Anchor {
  readonly offset: number;
  readonly eventId: string;
}

export interface Snapshot extends Anchor {
  readonly state: RegistryState;
}

const pack = promisify(gzip);
const unpack = promisify(gunzip);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The records of a snapshot, in order. The state may change meanwhile: it is written as it is at the call. */
export function snapshotRecords(
  state: RegistryState,
  anchor: Anchor,
  { id, takenAt }: { readonly id: string; readonly takenAt: string },
): AsyncIterable<string> {
  // Entities are replaced, never changed: the list alone holds the moment.
  const entities = Object.values(state.entities).flatMap((one) => [...(one as Map<string, Entity>).values()]);
  return records(entities, [...state.voided], anchor, id, takenAt);
}

async function* records(
  entities: readonly Entity[],
  voided: readonly string[],
  { offset, eventId }: Anchor,
  id: string,
  takenAt: string,
): AsyncGenerator<string> {
  const sums: string[] = [];
  const make = async (lines: string[]): Promise<string> => {
    const data = (await pack(lines.join('\n'), { level: 1 })).toString('base64');
    const sum = sha256(data);
    sums.push(sum);
    return JSON.stringify({ snapshot: id, kind: 'chunk', index: sums.length - 1, sha256: sum, data });
  };
  let lines: string[] = [];
  let chars = 0;
  let sinceTurn = 0;
  const items = function* (): Generator<string> {
    for (const entity of entities) yield JSON.stringify(entity);
    for (let at = 0; at < voided.length; at += 1_000)
      yield JSON.stringify({ voided: voided.slice(at, at + 1_000) });
  };
  for (const line of items()) {
    if (chars + line.length > CHUNK_CHARS && lines.length > 0) {
      yield await make(lines);
      lines = [];
      chars = 0;
    }
    lines.push(line);
    chars += line.length;
    if (++sinceTurn % LINES_PER_TURN === 0) await turn();
  }
  if (lines.length > 0) yield await make(lines);
  yield JSON.stringify({
    snapshot: id,
    kind: 'end',
    rules: RULES,
    chunks: sums.length,
    sha256: sha256(sums.join()),
    offset,
    eventId,
    takenAt,
  });
}

/** The anchor in an end record; undefined for every other record. */
export function anchorOf(body: string): Anchor | undefined {
  // Chunks are long: they are not parsed to find out what their first words say.
  if (!body.slice(0, 200).includes('"kind":"end"')) return undefined;
  const parsed = end.safeParse(parsedJson(body));
  return parsed.success && parsed.data.rules === RULES ? parsed.data : undefined;
}

/** Collects records in the order of the stream; keeps the newest whole snapshot and what may become one. */
export class SnapshotCollector {
  private readonly chunks = new Map<string, z.infer<typeof chunk>[]>();
  private readonly whole: { readonly end: z.infer<typeof end>; readonly chunks: z.infer<typeof chunk>[] }[] =
    [];

  take(body: string): void {
    const record = parsedJson(body);
    const part = chunk.safeParse(record);
    if (part.success) {
      const { snapshot, index } = part.data;
      const before = this.chunks.get(snapshot);
      // Sent again after a lost confirm: the second is the same.
      if (before === undefined) this.chunks.set(snapshot, [part.data]);
      else if (index === before.length) before.push(part.data);
      return;
    }
    const last = end.safeParse(record);
    if (!last.success) return;
    const chunks = this.chunks.get(last.data.snapshot) ?? [];
    this.chunks.delete(last.data.snapshot);
    const { rules, chunks: count, sha256: sum } = last.data;
    if (rules !== RULES || chunks.length !== count || chunks[0]?.index !== (count === 0 ? undefined : 0))
      return;
    if (sum !== sha256(chunks.map((one) => one.sha256).join())) return;
    this.whole.push({ end: last.data, chunks });
    if (this.whole.length > 2) this.whole.shift();
  }

  /** Of the whole ones that which stands for most of the log. */
  async newest(): Promise<Snapshot | undefined> {
    const candidates = [...this.whole].sort((a, b) => b.end.offset - a.end.offset);
    for (const { end: last, chunks } of candidates) {
      const state = await restored(chunks);
      if (state !== undefined) return { state, offset: last.offset, eventId: last.eventId };
    }
    return undefined;
  }
}

async function restored(chunks: readonly z.infer<typeof chunk>[]): Promise<RegistryState | undefined> {
  const state = emptyState();
  for (const { data, sha256: sum } of chunks) {
    if (sha256(data) !== sum) return undefined;
    const text = (await unpack(Buffer.from(data, 'base64'))).toString();
    for (const line of text.split('\n')) {
      const item = JSON.parse(line) as Entity | { readonly voided: readonly string[] };
      if ('voided' in item) for (const id of item.voided) state.voided.add(id);
      else put(state, item);
    }
  }
  return state;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
