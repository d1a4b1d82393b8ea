import { setTimeout as sleep } from 'node:timers/promises';

export interface ClickHouseAddress {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** How many sessions are stored; 0 while the database or its views do not exist yet. */
export async function countSessions(address: ClickHouseAddress): Promise<number> {
  const url = new URL(address.url);
  url.searchParams.set('query', `SELECT count() FROM ${address.database}.sessions`);
  const response = await fetch(url, {
    headers: { 'X-ClickHouse-User': address.user, 'X-ClickHouse-Key': address.password },
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  return response.ok ? Number.parseInt(text, 10) || 0 : 0;
}

/**
 * Resolves when more sessions are stored than `before`, to their number; to undefined when asked to stop.
 * ClickHouse being away for a while is no reason to give up.
 */
export async function firstSession(
  address: ClickHouseAddress,
  before: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  // Often at first, when somebody is watching the seconds; then seldom.
  for (let wait = 100; !signal.aborted; wait = Math.min(1_000, wait * 1.1)) {
    const count = await countSessions(address).catch(() => before);
    if (count > before) return count;
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
