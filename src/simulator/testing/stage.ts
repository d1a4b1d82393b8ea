import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, type SimulateOptions, simulate, startFleet } from '../fleet.js';
import type { Ledger, LedgerFrame } from '../ledger.js';
import { type Csms, type CsmsOptions, startCsms } from './csms.js';

export const START = Date.parse('2026-11-23T06:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A central system and its chargers for one test; `close` takes down whatever is still up. */
export class Stage {
  csms!: Csms;
  private readonly servers: Csms[] = [];
  private readonly fleets: Fleet[] = [];

  /** Runs to the end against a new server, at unlimited speed unless told otherwise. */
  async run(options: Omit<SimulateOptions, 'url'>, server: CsmsOptions = {}): Promise<Ledger> {
    await this.serve(server);
    return simulate({
      url: this.csms.url,
      startAt: START,
      speed: Number.POSITIVE_INFINITY,
      reconnect: { firstMs: 5, maxMs: 20 },
      ...options,
    });
  }

  /** Starts against a new server, and returns while it runs. */
  async live(options: Omit<SimulateOptions, 'url'>, server: CsmsOptions = {}): Promise<Fleet> {
    await this.serve(server);
    const fleet = startFleet({
      url: this.csms.url,
      startAt: START,
      reconnect: { firstMs: 5, maxMs: 20 },
      ...options,
    });
    this.fleets.push(fleet);
    return fleet;
  }

  async serve(server: CsmsOptions = {}): Promise<Csms> {
    this.csms = await startCsms(server);
    this.servers.push(this.csms);
    return this.csms;
  }

  async close(): Promise<void> {
    for (const fleet of this.fleets.splice(0)) await fleet.stop();
    for (const server of this.servers.splice(0)) await server.close();
  }
}

/** Looks every few milliseconds; a test's own time limit ends the waiting. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

export function grouped<T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** What each charger said, in order, and how often. */
export const saidBy = (frames: readonly LedgerFrame[]): Record<string, string[]> =>
  Object.fromEntries(
    [...grouped(frames, ({ chargePointId }) => chargePointId)].map(([id, of]) => [
      id,
      of.map(({ transmissions, text }) => `${transmissions} x ${text}`),
    ]),
  );
