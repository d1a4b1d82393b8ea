/** One connection: says what it is given, and judges what came back. */
import { errorCodesOf } from '../domain/ocpp/errors.js';
import type { Protocol } from '../domain/ocpp/record.js';
import { chargerActions, validateResult } from '../domain/ocpp/schemas.js';
import { type Owed, owed } from './expected.js';
import type { Message } from './texts.js';
import { type Ending, frameOf, message, OPCODE, upgradeRequest, Wire } from './wire.js';

/** Much longer than anything takes: a machine may be slow. */
export const LIMIT_MS = 20_000;
/** Largest frame that ingest is set to take (its default). */
export const FRAME_BYTES = 256 * 1024;
/** Texts in a row that are no frames, after which a connection may be closed (README of ingest). */
const UNREADABLE_IN_A_ROW = 10;

/** A text that was answered, in its place. */
export interface Answered {
  readonly text: string;
  readonly answer: string;
}

export interface Talk {
  readonly answered: readonly Answered[];
  readonly sent: number;
  readonly ending: Ending | undefined;
}

/** Why an upgrade was refused for the moment: the broker or the door is busy. */
const BUSY = [429, 503];

/** Connects as `id`; comes back as long as the door is busy. */
export async function enter(port: number, id: string, protocol: Protocol): Promise<Wire> {
  for (const deadline = performance.now() + LIMIT_MS; ; ) {
    const wire = await Wire.open(port, upgradeRequest(`/ocpp/${encodeURIComponent(id)}`, protocol), LIMIT_MS);
    if (wire.status === 101) return wire;
    wire.destroy();
    if (!BUSY.includes(wire.status ?? 0) || performance.now() > deadline)
      throw new Error(`a valid upgrade of ${id} was answered with ${wire.status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const heartbeat = (id: string): string => JSON.stringify([2, id, 'Heartbeat', {}]);

/** The text of a message that is one; what is too large is a CALL all the same. */
function textOf(given: Message): string {
  if (given.kind !== 'large') return given.text;
  const [head, tail] = ['[2,"large","DataTransfer",{"vendorId":"v","data":"', '"}]'];
  return head + 'x'.repeat(FRAME_BYTES + given.by - head.length - tail.length) + tail;
}

function bytesOf(given: Message): Buffer {
  const bytes = Buffer.from(textOf(given));
  switch (given.kind) {
    case 'ping':
      return frameOf(OPCODE.ping, bytes.subarray(0, 125));
    case 'binary':
      return message(OPCODE.binary, bytes, given.pieces);
    case 'broken-utf8':
      bytes[bytes.length >> 1] = 0xff;
      return message(OPCODE.text, bytes, given.pieces);
    case 'large':
      return message(OPCODE.text, bytes);
    case 'text':
      return message(OPCODE.text, bytes, given.pieces);
  }
}

/** The close code that a message obliges to; undefined when the connection must live on. */
function obliges(given: Message): number | undefined {
  if (given.kind === 'binary') return 1003;
  if (given.kind === 'broken-utf8') return 1007;
  return given.kind !== 'ping' && Buffer.byteLength(textOf(given)) > FRAME_BYTES ? 1009 : undefined;
}

/** What must come of a list of messages: answers in order, and perhaps an end. */
export function duty(list: readonly Message[], protocol: Protocol) {
  const owing: { text: string; owed: Owed }[] = [];
  let row = 0;
  for (const given of list) {
    const code = obliges(given);
    if (code !== undefined) return { owing, code };
    if (given.kind === 'ping') continue;
    const text = textOf(given);
    const one = owed(text, protocol);
    row = one.unreadable ? row + 1 : 0;
    owing.push({ text, owed: one });
    if (row >= UNREADABLE_IN_A_ROW) return { owing, code: 1008 };
  }
  return { owing, code: undefined };
}

/** Throws with what is wrong. */
export function judge(
  list: readonly Message[],
  protocol: Protocol,
  answers: readonly string[],
  ending: Ending | undefined,
): Answered[] {
  const { owing, code } = duty(list, protocol);
  const answerable = owing.filter(({ owed }) => owed.ids.length > 0);
  const answered = answers.map((answer, place): Answered => {
    const due = answerable[place];
    if (due === undefined) throw new Error(`an answer to nothing: ${cut(answer)}`);
    const wrong = wrongAnswer(answer, due.owed, protocol);
    if (wrong !== undefined) throw new Error(`${wrong}: ${cut(answer)} to ${cut(due.text)}`);
    return { text: due.text, answer };
  });
  if (code === undefined) {
    if (ending !== undefined)
      throw new Error(`closed without a reason to (${ending.code ?? 'no code'} ${ending.reason})`);
    const missing = answerable[answered.length];
    if (missing !== undefined) throw new Error(`never answered: ${cut(missing.text)}`);
  } else if (ending?.code !== code || ending.reason === '') {
    // The WebSocket library closes by itself for what it cannot read, and gives the code alone.
    const byLibrary = ending?.code === code && (code === 1007 || code === 1009);
    if (!byLibrary)
      throw new Error(
        `closed with ${ending?.code ?? 'no code'} "${ending?.reason ?? ''}" instead of ${code}`,
      );
  }
  return answered;
}

const cut = (text: string): string =>
  text.length <= 300 ? text : `${text.slice(0, 300)}... (${text.length})`;

function wrongAnswer(answer: string, { ids, action }: Owed, protocol: Protocol): string | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(answer);
  } catch {
    return 'an answer that is not JSON';
  }
  if (!Array.isArray(frame)) return 'an answer that is no frame';
  const [type, id, third, description, details] = frame as unknown[];
  if (!ids.includes(id as string)) return 'an answer under another id';
  if (type === 3) {
    if (frame.length !== 3 || !isObject(third)) return 'a CALLRESULT without a payload';
    if (action === undefined || !chargerActions(protocol).has(action))
      return 'a CALLRESULT to no action of chargers';
    const complaint = validateResult(protocol, action, third);
    return complaint === undefined ? undefined : `a CALLRESULT against its schema, ${complaint.description}`;
  }
  if (type !== 4 || frame.length !== 5) return 'neither CALLRESULT nor CALLERROR';
  if (!errorCodesOf(protocol).includes(String(third))) return 'an unknown error code';
  if (typeof description !== 'string' || description.length > 255)
    return 'a description that is no text of 255';
  return isObject(details) ? undefined : 'details that are no object';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Says all of it without waiting, then asks whether anybody is still there. Throws with what is wrong. */
export async function talk(
  port: number,
  id: string,
  protocol: Protocol,
  list: readonly Message[],
): Promise<Talk> {
  const wire = await enter(port, id, protocol);
  try {
    for (const given of list) wire.write(bytesOf(given));
    // Answers come in order: with this one, all of them are there.
    const last = `last-${id}`;
    const whole: Message[] = [...list, { kind: 'text', text: heartbeat(last), pieces: 1 }];
    wire.write(bytesOf(whole.at(-1) as Message));
    const isLast = (text: string | undefined) => text?.startsWith(`[3,"${last}",`) === true;
    const alive = await wire.until(() => isLast(wire.texts.at(-1)), LIMIT_MS);
    const answered = judge(whole, protocol, wire.texts, alive ? undefined : wire.ending);
    const pings = list.filter(({ kind }) => kind === 'ping').length;
    if (alive && !(await wire.until(() => wire.pongs.length >= pings, LIMIT_MS)))
      throw new Error('a ping without a pong');
    return { answered, sent: whole.length, ending: wire.ending };
  } finally {
    wire.write(frameOf(OPCODE.close, Buffer.from([0x03, 0xe8])));
    await wire.until(() => false, LIMIT_MS).catch(() => {});
    wire.destroy();
  }
}
