/**
 * Checkpoints in ClickHouse. One insert into one unpartitioned table carries the changed states and the
 * marker that counts and hashes them, so a kill cannot tear it; should it happen all the same, the marker
 * does not match and the checkpoint before it is used.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { StateText } from '../../domain/charging/partition.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { ClickHouseClient } from '../clickhouse.js';
import type { Checkpoints, Marker } from './ports.js';
import { createRowWriter } from './row-writer.js';
import type { RunContext, Table } from './tables.js';
import { dateTime, text } from './tsv.js';

const CHECKPOINTS: Table = {
  name: 'checkpoints_rows',
  columns: [
    'generation',
    'epoch',
    'partition',
    'next_offset',
    'checkpoint',
    'kind',
    'charge_point_id',
    'part',
    'state',
    'last_offset',
    'last_hash',
    'states',
    'states_hash',
    'taken_at',
  ],
};

/** Newest checkpoints of a partition that cleaning leaves usable, should those after them be torn. */
const KEPT = 5;
/** More than cleaning ever leaves. */
const ALL = 10_000;

export interface CheckpointOptions {
  /** Epoch milliseconds; told to people, never read back. */
  readonly now?: () => number;
  /** After this many checkpoints of a partition, states that newer ones replaced are deleted. Default 100. */
  readonly cleanEvery?: number;
}

interface MarkerRow {
  checkpoint: string;
  next_offset: number;
  last_offset: number;
  last_hash: string;
  states: number;
  states_hash: string;
}

export function createCheckpoints(
  client: ClickHouseClient,
  run: RunContext,
  log: Logger,
  { now = Date.now, cleanEvery = 100 }: CheckpointOptions = {},
): Checkpoints {
  const writer = createRowWriter(client);
  const saved = new Map<number, number>();

  return {
    async save(marker, states) {
      const checkpoint = randomUUID();
      const line = (kind: string, chargePointId: string, part: string, state: string, rest: unknown[]) =>
        [
          run.generation,
          run.epoch,
          marker.partition,
          marker.lastOffset + 1,
          checkpoint,
          kind,
          text(chargePointId),
          text(part),
          text(state),
          ...rest,
        ].join('\t');
      const none = [0, '', 0, '', dateTime(now())];
      const lines = states.map(({ chargePointId, part, text }) =>
        line('state', chargePointId, part, text, none),
      );
      const proof = [marker.lastOffset, marker.lastHash, states.length, hashOf(states), dateTime(now())];
      lines.push(line('marker', '', '', '', proof));
      await writer.insert(CHECKPOINTS, lines);
      const count = (saved.get(marker.partition) ?? 0) + 1;
      saved.set(marker.partition, count);
      if (count % cleanEvery === 0) await clean(marker.partition);
    },

    async load(partition) {
      const candidates = await newestMarkers(partition, ALL);
      for (const candidate of candidates) {
        if (await isWhole(partition, candidate)) {
          const marker: Marker = {
            partition,
            lastOffset: Number(candidate.last_offset),
            lastHash: candidate.last_hash,
          };
          return { marker, states: statesUpTo(partition, Number(candidate.next_offset)) };
        }
        log.warn(
          { code: 'CHECKPOINT_TORN', partition, checkpoint: candidate.checkpoint },
          'a checkpoint does not match its states; the one before it is used',
        );
      }
      const of = `of partition ${partition} (generation ${run.generation}, epoch ${run.epoch})`;
      if (candidates.length > 0)
        throw new WattstreamError(
          'CHECKPOINTS_TORN',
          `None of the ${candidates.length} checkpoints ${of} matches its states`,
        );
      if (!(await hasStates(partition))) return undefined;
      // They are written together: another reader has saved its first checkpoint since we asked for markers; or
      // markers were there, and are lost.
      if ((await newestMarkers(partition, 1)).length > 0) return this.load(partition);
      throw new WattstreamError('CHECKPOINTS_TORN', `There are states ${of}, but no checkpoint of them`);
    },
  };

  function ours(partition: number) {
    return { generation: run.generation, epoch: run.epoch, partition };
  }

  async function newestMarkers(partition: number, limit: number): Promise<MarkerRow[]> {
    const answer = await client.query({
      query: `
        SELECT checkpoint, next_offset, last_offset, last_hash, states, states_hash
        FROM checkpoints_rows
        WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16} AND partition = {partition:UInt16}
          AND kind = 'marker'
        ORDER BY next_offset DESC, taken_at DESC
        LIMIT {limit:UInt32}`,
      query_params: { ...ours(partition), limit },
      format: 'JSONEachRow',
    });
    return answer.json<MarkerRow>();
  }

  async function hasStates(partition: number): Promise<boolean> {
    const answer = await client.query({
      query: `
        SELECT 1 AS found
        FROM checkpoints_rows
        WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16} AND partition = {partition:UInt16}
        LIMIT 1`,
      query_params: ours(partition),
      format: 'JSONEachRow',
    });
    return (await answer.json()).length > 0;
  }

  async function isWhole(partition: number, marker: MarkerRow): Promise<boolean> {
    const answer = await client.query({
      query: `
        SELECT charge_point_id AS chargePointId, part, state AS text
        FROM checkpoints_rows
        WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16} AND partition = {partition:UInt16}
          AND kind = 'state' AND next_offset = {next:UInt64} AND checkpoint = {checkpoint:UUID}`,
      query_params: { ...ours(partition), next: marker.next_offset, checkpoint: marker.checkpoint },
      format: 'JSONEachRow',
    });
    const states = await answer.json<StateText>();
    return states.length === Number(marker.states) && hashOf(states) === marker.states_hash;
  }

  async function* statesUpTo(partition: number, next: number): AsyncGenerator<StateText> {
    const answer = await client.query({
      query: `
        SELECT charge_point_id AS chargePointId, part, argMax(state, next_offset) AS text
        FROM checkpoints_rows
        WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16} AND partition = {partition:UInt16}
          AND kind = 'state' AND next_offset <= {next:UInt64}
        GROUP BY charge_point_id, part
        HAVING text != ''`,
      query_params: { ...ours(partition), next },
      format: 'JSONEachRow',
    });
    for await (const rows of answer.stream<StateText>()) for (const row of rows) yield row.json();
  }

  /**
   * Deletes what the newest markers have made superfluous; a failure only leaves more to delete next time. A
   * part that has vanished ('') goes one cleaning later than its older texts: parts of the table are rewritten
   * one after the other, and a reader in between must not find the older text alone.
   */
  async function clean(partition: number): Promise<void> {
    try {
      const markers = await newestMarkers(partition, KEPT);
      const floor = markers[KEPT - 1]?.next_offset;
      if (floor === undefined) return;
      await client.command({
        query: `
          ALTER TABLE checkpoints_rows DELETE
          WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16} AND partition = {partition:UInt16}
            AND next_offset < {floor:UInt64}
            AND (kind = 'marker' OR (charge_point_id, part, next_offset) NOT IN (
              SELECT charge_point_id, part, max(next_offset)
              FROM checkpoints_rows
              WHERE generation = {generation:UInt32} AND epoch = {epoch:UInt16}
                AND partition = {partition:UInt16} AND kind = 'state' AND next_offset <= {floor:UInt64}
              GROUP BY charge_point_id, part
              HAVING count() > 1 OR any(state) != ''))`,
        query_params: { ...ours(partition), floor },
      });
    } catch (error) {
      log.warn({ code: 'CHECKPOINT_CLEAN', partition, error: String(error) }, 'old states were not deleted');
    }
  }
}

/** Order of rows in a table says nothing, so the states are hashed in the order of their names. */
export function hashOf(states: readonly StateText[]): string {
  const hash = createHash('sha256');
  const named = states.map(({ chargePointId, part, text }) => ({
    name: JSON.stringify([chargePointId, part]),
    text,
  }));
  for (const { name, text } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(name).update(String(text.length)).update(text);
  }
  return hash.digest('hex');
}
