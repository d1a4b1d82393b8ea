import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const KEPT = 3;
const LARGEST_BYTES = 64 * 1024 * 1024;
/** Equal complaints within this time are counted, not repeated. */
const REPEAT_MS = 10_000;

/**
 * `<folder>/<role>.log`: what a role printed, line for line. At each start, and past 64 MiB, it moves to
 * `.log.1` and so on; three old ones are kept. Warnings and errors are also handed to `echo`, in one line.
 */
export class RoleLog {
  private file: number;
  private bytes = 0;
  private readonly path: string;
  private readonly partial = { stdout: '', stderr: '' };
  private readonly echoed = new Map<string, { at: number; more: number }>();
  /** The last lines, for the message about a role that cannot start. */
  readonly last: string[] = [];

  constructor(
    folder: string,
    private readonly role: string,
    private readonly echo: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${role}.log`);
    this.file = this.fresh();
  }

  private fresh(): number {
    for (let age = KEPT - 1; age >= 0; age--) {
      const from = age === 0 ? this.path : `${this.path}.${age}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${age + 1}`);
    }
    this.bytes = 0;
    return openSync(this.path, 'w');
  }

  /** Takes output as it comes; lines may be torn anywhere. */
  write(source: 'stdout' | 'stderr', chunk: string): void {
    const lines = (this.partial[source] + chunk).split('\n');
    this.partial[source] = lines.pop() ?? '';
    for (const line of lines) this.line(source, line);
  }

  close(): void {
    for (const source of ['stdout', 'stderr'] as const) {
      if (this.partial[source] !== '') this.line(source, this.partial[source]);
      this.partial[source] = '';
    }
    closeSync(this.file);
  }

  private line(source: 'stdout' | 'stderr', line: string): void {
    if (this.bytes > LARGEST_BYTES) {
      closeSync(this.file);
      this.file = this.fresh();
    }
    this.bytes += writeSync(this.file, `${line}\n`);
    this.last.push(line);
    if (this.last.length > 20) this.last.shift();
    const complaint = complaintIn(source, line);
    if (complaint !== undefined) this.complain(complaint);
  }

  private complain(complaint: string): void {
    const at = this.now();
    const before = this.echoed.get(complaint);
    if (before !== undefined && at - before.at < REPEAT_MS) {
      before.more++;
      return;
    }
    const more = before !== undefined && before.more > 0 ? ` (${before.more} more like it)` : '';
    if (this.echoed.size > 500) this.echoed.clear();
    this.echoed.set(complaint, { at, more: 0 });
    this.echo(`${this.role}: ${complaint}${more}`);
  }
}

/** pino's levels: 40 = warn, 50 = error, 60 = fatal. */
const WARN = 40;

/** What a person should see at once out of a line of output; undefined = nothing. */
export function complaintIn(source: 'stdout' | 'stderr', line: string): string | undefined {
  if (!line.startsWith('{')) {
    // Not from our logger: a crash before it existed, or a library talking. Stacks stay in the file.
    const news = source === 'stderr' && /^\w*(Error|Exception)\b.*:/.test(line);
    return news ? line.slice(0, 200) : undefined;
  }
  try {
    const entry = JSON.parse(line) as { level?: number; msg?: string; code?: string; error?: string };
    if (typeof entry.level !== 'number' || entry.level < WARN) return undefined;
    const details = [entry.code, entry.error].filter((detail) => typeof detail === 'string');
    return `${entry.msg ?? 'warning'}${details.length > 0 ? ` (${details.join(': ')})` : ''}`.slice(0, 300);
  } catch {
    return undefined;
  }
}

/**
 * What a role said in the end, for a person: its complaints and their remedies, each once however often it tried;
 * without any, the lines as they are.
 */
export function lastWords(lines: readonly string[]): string[] {
  const complaints = lines.flatMap((line) => complaintAndRemedy(line));
  const words = complaints.length > 0 ? complaints : lines;
  return [...new Set(words)].slice(-5).map((line) => line.slice(0, 400));
}

function complaintAndRemedy(line: string): string[] {
  const complaint = complaintIn('stderr', line);
  if (complaint === undefined) return [];
  if (!line.startsWith('{')) return [complaint];
  const { remedy } = JSON.parse(line) as { remedy?: unknown };
  return typeof remedy === 'string' ? [complaint, remedy] : [complaint];
}
