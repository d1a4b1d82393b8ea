/** Plays recorded frames of real charger programs through an ingest, as those programs would have. */
import { readFileSync } from 'node:fs';
import { connectCharger } from './charger-link.js';

export interface CapturedFrame {
  readonly t: string;
  readonly dir: 'in' | 'out';
  readonly id: string;
  readonly proto: string;
  readonly m: string;
}

export const readCapture = (path: string): CapturedFrame[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedFrame);

export interface Played {
  /** Per charger: transaction id in the recording -> the id that this server answered (1.6). */
  readonly ids: Map<string, Map<number, number>>;
  /** CALLs sent, and how many of them were answered with a CALLERROR. */
  sent: number;
  errors: number;
}

/** Chargers side by side, each in its own order, each CALL after the answer to the one before. */
export async function playCapture(url: string, frames: readonly CapturedFrame[]): Promise<Played> {
  const played: Played = { ids: new Map(), sent: 0, errors: 0 };
  const byCharger = new Map<string, CapturedFrame[]>();
  for (const frame of frames) byCharger.set(frame.id, [...(byCharger.get(frame.id) ?? []), frame]);
  await Promise.all([...byCharger].map(([id, own]) => playCharger(url, id, own, played)));
  return played;
}

async function playCharger(url: string, id: string, frames: CapturedFrame[], played: Played): Promise<void> {
  const link = await connectCharger(url, id, frames[0]!.proto);
  const ids = new Map<number, number>();
  played.ids.set(id, ids);
  const recordedAnswers = new Map(
    frames.flatMap((frame) => {
      const [type, messageId, payload] = JSON.parse(frame.m) as [number, string, { transactionId?: number }];
      return frame.dir === 'out' && type === 3 ? [[messageId, payload] as const] : [];
    }),
  );
  for (const { dir, m } of frames) {
    const frame = JSON.parse(m) as [number, string, string, { transactionId?: unknown }];
    if (dir !== 'in' || frame[0] !== 2) continue;
    const [, messageId, action, payload] = frame;
    const known = typeof payload.transactionId === 'number' ? ids.get(payload.transactionId) : undefined;
    if (known !== undefined) payload.transactionId = known;
    const answer = await link.call(known === undefined ? m : JSON.stringify(frame));
    played.sent++;
    if (answer[0] === 4) played.errors++;
    const recorded = recordedAnswers.get(messageId)?.transactionId;
    if (action === 'StartTransaction' && recorded !== undefined) {
      ids.set(recorded, (answer[2] as { transactionId: number }).transactionId);
    }
  }
  await link.close();
}
