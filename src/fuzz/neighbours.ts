/** Chargers that behave, on connections of their own, one per version: they must not notice anything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PROTOCOLS, type Protocol } from '../domain/ocpp/record.js';
import { enter, LIMIT_MS } from './talk.js';
import { message, OPCODE } from './wire.js';

const PAUSE_MS = 20;

export interface Neighbours {
  readonly answered: number;
  /** Longest wait for an answer, ms. */
  readonly slowest: number;
  readonly troubles: readonly string[];
  /** They leave; resolves when they are gone. */
  leave(): Promise<void>;
}

/** Texts of one charger's ordinary life, the n-th. */
function saying(protocol: Protocol, n: number): [action: string, payload: object] {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
  if (n % 3 === 0) return ['Heartbeat', {}];
  if (protocol === 'ocpp1.6')
    return n % 3 === 1
      ? ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available', timestamp }]
      : ['Authorize', { idTag: 'NEIGHBOUR' }];
  return n % 3 === 1
    ? ['StatusNotification', { evseId: 1, connectorId: 1, connectorStatus: 'Available', timestamp }]
    : ['Authorize', { idToken: { idToken: 'NEIGHBOUR', type: 'Central' } }];
}

export async function startNeighbours(port: number): Promise<Neighbours> {
  const troubles: string[] = [];
  let answered = 0;
  let slowest = 0;
  let leaving = false;

  const wires = await Promise.all(
    PROTOCOLS.map(async (protocol) => ({
      protocol,
      wire: await enter(port, `NEIGHBOUR-${protocol}`, protocol),
    })),
  );
  const living = wires.map(async ({ protocol, wire }) => {
    try {
      for (let n = 0; !leaving; n++) {
        const asked = performance.now();
        wire.write(message(OPCODE.text, Buffer.from(JSON.stringify([2, `n${n}`, ...saying(protocol, n)]))));
        const alive = await wire.until(() => wire.texts.length > 0, LIMIT_MS);
        const answer = wire.texts.shift();
        if (!alive) throw new Error(`was sent away (${wire.ending?.code} ${wire.ending?.reason})`);
        if (!answer?.startsWith(`[3,"n${n}",`)) throw new Error(`was answered with ${answer}`);
        answered++;
        slowest = Math.max(slowest, performance.now() - asked);
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      troubles.push(`a neighbour (${protocol}): ${String(error)}`);
    } finally {
      wire.end();
      await wire.until(() => false, LIMIT_MS).catch(() => {});
      wire.destroy();
    }
  });
  return {
    get answered() {
      return answered;
    },
    get slowest() {
      return slowest;
    },
    troubles,
    async leave() {
      leaving = true;
      await Promise.all(living);
    },
  };
}
