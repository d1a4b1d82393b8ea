/** Lets scheduled faults happen: each at its moment, side by side, but one at a time on one thing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../platform/errors.js';
import type { FaultContext } from './faults/fault.js';
import type { Protocol } from './protocol.js';
import type { Scheduled } from './schedule.js';

/**
 * Resolves when the last one is over. Aborted, no further one begins and those that last end early, mending what
 * they broke.
 */
export async function runFaults(
  plan: readonly Scheduled[],
  protocol: Protocol,
  signal: AbortSignal | undefined,
  happened: (fault: string) => void,
): Promise<void> {
  const began = protocol.now;
  const lines = new Map<string, Promise<void>>();
  const pending: Promise<void>[] = [];
  for (const scheduled of plan) {
    await pause(began + scheduled.atMs - protocol.now, signal);
    if (signal?.aborted) break;
    const before = lines.get(scheduled.on) ?? Promise.resolve();
    const over = before.then(() => inject(scheduled, protocol, signal, happened));
    lines.set(scheduled.on, over);
    pending.push(over);
  }
  await Promise.all(pending);
}

async function inject(
  { fault, what, run }: Scheduled,
  protocol: Protocol,
  signal: AbortSignal | undefined,
  happened: (fault: string) => void,
): Promise<void> {
  if (signal?.aborted) return;
  happened(fault);
  const began = protocol.now;
  protocol.say('fault', what);
  const context: FaultContext = {
    wait: (ms) => pause(ms, signal),
    async until(condition, ms) {
      const deadline = performance.now() + ms;
      while (!(await condition())) {
        if (signal?.aborted || performance.now() > deadline) return false;
        await sleep(20);
      }
      return true;
    },
    note: (text) => protocol.say('over', `${text} (${what})`),
  };
  try {
    await run(context);
    const lasted = protocol.now - began;
    if (lasted > 1_500) protocol.say('over', `after ${(lasted / 1_000).toFixed(1)} s: ${what}`);
  } catch (error) {
    protocol.say('over', `${what} did not come off: ${messageOf(error)}`);
  }
}

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal }).catch(() => {});
