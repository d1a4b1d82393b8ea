import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { WattstreamError } from '../../platform/errors.js';
import { type Backoff, backoffMs } from '../../platform/retry.js';
import { findLeash } from './leash.js';
import { lastWords, RoleLog } from './role-log.js';

/** One process of the program, as the supervisor sees it. */
export interface RoleSpec {
  readonly name: string;
  /** The script, and its arguments. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Added to the supervisor's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Asked until it says yes; absent = ready when started. */
  readonly ready?: () => Promise<boolean>;
  /** Exit code 0 means done, not died (a simulator that played its scenario). */
  readonly mayEnd?: boolean;
  /** Between SIGTERM and SIGKILL. */
  readonly stopMs: number;
  /** Between its end and its next start. Default: from half a second to a quarter of a minute. */
  readonly restart?: Backoff;
  /** Started again however often it ends before it is ready: whoever kills it on purpose wants that. */
  readonly persistent?: boolean;
  /** It ended, and nobody had asked this supervisor to stop it. */
  readonly onEnd?: (pid: number | undefined, how: string) => void;
}

export interface Terminal {
  line(text: string): void;
  warn(text: string): void;
}

const BACKOFF = { firstMs: 500, maxMs: 15_000 };
/** A role that ran this long has recovered: its next fault counts from the beginning. */
const STEADY_MS = 60_000;
/** Before it was ever ready, a role gets this many attempts: a wrong setting does not heal. */
const FIRST_ATTEMPTS = 3;

/**
 * A role kept alive: `starting -> ready`, restarted with backoff whenever it dies, until `stop`.
 * Its output goes to its log; its own process group keeps the terminal's Ctrl-C away from it, so that the
 * supervisor alone decides what stops in which order.
 */
export class Role {
  private child: ChildProcess | undefined;
  private readonly log: RoleLog;
  private readonly stopping = new AbortController();
  private restarting: Promise<void> | undefined;
  private faults = 0;
  private wasReady = false;
  private hopeless: WattstreamError | undefined;

  constructor(
    readonly spec: RoleSpec,
    logs: string,
    private readonly terminal: Terminal,
  ) {
    this.log = new RoleLog(logs, spec.name, (line) => terminal.warn(line));
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Starts the process and waits until it is ready. Throws ROLE_FAILED when it dies three times before it was
   * ever ready, or is not ready in `ms`.
   */
  async start(ms: number): Promise<void> {
    this.launch();
    const until = Date.now() + ms;
    while (!this.stopping.signal.aborted) {
      if (this.hopeless !== undefined) throw this.hopeless;
      if (this.child !== undefined && (await this.isReady())) {
        this.wasReady = true;
        return;
      }
      if (Date.now() > until) throw this.failure(`was not ready within ${Math.round(ms / 1000)} s`);
      await sleep(50);
    }
  }

  /** SIGTERM, the deadline, SIGKILL. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.restarting;
    const child = this.child;
    if (child !== undefined) {
      const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        this.terminal.warn(`${this.spec.name} did not stop within ${this.spec.stopMs / 1000} s: killed`);
        child.kill('SIGKILL');
      }, this.spec.stopMs);
      await gone;
      clearTimeout(timer);
    }
    this.log.close();
  }

  /** At once, without asking. */
  kill(): void {
    this.stopping.abort();
    this.child?.kill('SIGKILL');
  }

  private async isReady(): Promise<boolean> {
    return this.spec.ready === undefined || (await this.spec.ready().catch(() => false));
  }

  private launch(): void {
    const leash = findLeash();
    const [program, ...args] = [
      ...leash.prefix,
      process.execPath,
      ...leash.nodeArguments,
      '--enable-source-maps',
      this.spec.script,
      ...(this.spec.args ?? []),
    ];
    const child = spawn(program as string, args, {
      env: { ...process.env, ...this.spec.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(leash.ipc ? (['ipc'] as const) : [])],
    });
    const began = Date.now();
    this.child = child;
    for (const source of ['stdout', 'stderr'] as const) {
      child[source]?.setEncoding('utf8').on('data', (text: string) => this.log.write(source, text));
    }
    child.once('error', (error) => {
      this.log.write('stderr', `${error.message}\n`);
      if (child.pid === undefined) this.ended(child, `could not be started: ${error.message}`, began);
    });
    // `close` rather than `exit`: the last lines, which say why, have been read by then.
    child.once('close', (code, signal) => {
      if (child.pid !== undefined) this.ended(child, signal ?? `exit code ${code}`, began);
    });
  }

  private ended(child: ChildProcess, how: string, began: number): void {
    if (this.child === child) this.child = undefined;
    if (this.stopping.signal.aborted) return;
    if (this.spec.mayEnd && how === 'exit code 0') {
      this.terminal.line(`  ${this.spec.name} has finished`);
      return;
    }
    if (Date.now() - began > STEADY_MS) this.faults = 0;
    this.faults++;
    this.spec.onEnd?.(child.pid, how);
    if (!this.spec.persistent && !this.wasReady && this.faults >= FIRST_ATTEMPTS) {
      this.hopeless = this.failure(`ended ${this.faults} times before it was ready (${how})`);
      return;
    }
    const wait = backoffMs(this.faults - 1, this.spec.restart ?? BACKOFF);
    this.terminal.warn(
      `${this.spec.name} ended (${how}); starting it again in ${(wait / 1000).toFixed(1)} s`,
    );
    this.restarting = sleep(wait, undefined, { signal: this.stopping.signal }).then(
      () => {
        if (!this.stopping.signal.aborted) this.launch();
      },
      () => {}, // asked to stop meanwhile
    );
  }

  private failure(what: string): WattstreamError {
    const said = lastWords(this.log.last).map((line) => `    ${line}`);
    return new WattstreamError('ROLE_FAILED', [`${this.spec.name} ${what}.`, ...said].join('\n'), {
      remedy: `Its whole output is in the log folder, ${this.spec.name}.log.`,
    });
  }
}
