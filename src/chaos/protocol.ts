/** What was done when, and what the system did: lines for whoever watches, entries for the report. */
export interface Entry {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly what: string;
  readonly kind: 'fault' | 'over' | 'outside' | 'system' | 'progress' | 'check';
}

export class Protocol {
  readonly entries: Entry[] = [];
  private readonly began = performance.now();

  constructor(private readonly line: (text: string) => void) {}

  /** Milliseconds since the beginning. */
  get now(): number {
    return performance.now() - this.began;
  }

  say(kind: Entry['kind'], what: string): void {
    const at = Math.round(this.now / 100) / 10;
    this.entries.push({ at, what, kind });
    this.line(`${at.toFixed(1).padStart(7)} s  ${MARKS[kind]} ${what}`);
  }
}

const MARKS: Readonly<Record<Entry['kind'], string>> = {
  fault: '✗',
  over: '·',
  outside: '!',
  system: ' ',
  progress: ' ',
  check: '=',
};
