/**
 * One process of the system under test: kept alive by the product's own supervisor, and there to be killed,
 * halted, sent away and brought back. Deaths that nobody here caused are told as such.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Role, type RoleSpec } from '../../cli/up/role.js';
import { answers } from '../../cli/up/roles.js';
import { messageOf } from '../../platform/errors.js';

export interface PartSpec {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where it says whether it does its work, and why not. */
  readonly health: string;
  /** What the answer begins with; absent = status 200 is enough. */
  readonly healthy?: string;
}

export interface PartListener {
  /** Somebody else killed it. */
  diedFromOutside(part: Part, how: string): void;
  /** It ended by itself: with an exit code, or by a signal that only a defect raises. */
  crashed(part: Part, how: string): void;
  /** What it printed that a person should see. */
  said(part: Part, line: string): void;
}

/** Quicker than the product's own, so that more faults fit into a minute. */
const RESTART = { firstMs: 200, maxMs: 1_500 };
const STOP_MS = 20_000;
/** A role that wants to be started again says so by EX_TEMPFAIL of sysexits(3). */
const STARTS_ANEW = 'exit code 75';
/** Signals that people send; SIGSEGV, SIGABRT and their kin are a program's own. A role asked by SIGTERM exits with 0. */
const FROM_OUTSIDE = /^(SIG(KILL|TERM|INT|HUP|QUIT|USR1|USR2)|exit code 0)$/;

export class Part {
  private role: Role | undefined;
  /** Processes that we killed: their end is no news. */
  private readonly doomed = new Set<number>();

  constructor(
    readonly spec: PartSpec,
    private readonly logs: string,
    private readonly listener: PartListener,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  /** undefined while there is none: it was sent away, or is about to be started again. */
  get pid(): number | undefined {
    return this.role?.pid;
  }

  /** Whether somebody keeps it alive. */
  get wanted(): boolean {
    return this.role !== undefined;
  }

  /** Resolves when it is ready, however long that takes and however often it is killed on the way. */
  async start(): Promise<void> {
    if (this.role !== undefined) return this.untilReady();
    const { name, script, env } = this.spec;
    const spec: RoleSpec = {
      name,
      script,
      env,
      ready: () => this.isReady(),
      stopMs: STOP_MS,
      restart: RESTART,
      persistent: true,
      onEnd: (pid, how) => {
        if (pid !== undefined && this.doomed.delete(pid)) return;
        if (how === STARTS_ANEW) this.listener.said(this, 'starts anew by its own decision');
        else if (FROM_OUTSIDE.test(how)) this.listener.diedFromOutside(this, how);
        else this.listener.crashed(this, how);
      },
    };
    const terminal = {
      line: (text: string) => this.listener.said(this, text),
      warn: (text: string) => this.listener.said(this, text),
    };
    this.role = new Role(spec, this.logs, terminal);
    await this.role.start(Number.POSITIVE_INFINITY);
  }

  async untilReady(signal?: AbortSignal): Promise<void> {
    while (!(await this.isReady())) await sleep(50, undefined, signal === undefined ? {} : { signal });
  }

  isReady(): Promise<boolean> {
    const { health, healthy } = this.spec;
    return this.pid === undefined ? Promise.resolve(false) : answers(health, healthy).catch(() => false);
  }

  /** What it says about itself. */
  async why(): Promise<string> {
    if (this.pid === undefined) return 'there is no process';
    return fetch(this.spec.health, { signal: AbortSignal.timeout(2_000) })
      .then((answer) => answer.text())
      .catch(messageOf);
  }

  /** kill -9; the supervisor brings it back. False when there is no process at the moment. */
  kill(): boolean {
    const { pid } = this;
    if (pid === undefined) return false;
    this.doomed.add(pid);
    process.kill(pid, 'SIGKILL');
    return true;
  }

  /** SIGSTOP; returns how to let the same process go on. undefined when there is no process. */
  pause(): (() => void) | undefined {
    const { pid } = this;
    if (pid === undefined) return undefined;
    process.kill(pid, 'SIGSTOP');
    return () => {
      if (this.pid === pid) process.kill(pid, 'SIGCONT');
    };
  }

  /** Whether somebody has halted it. */
  get paused(): boolean {
    try {
      // proc(5): the state stands behind the name, which is in brackets and may hold anything.
      return /^\d+ \(.*\) [Tt] /s.test(readFileSync(`/proc/${this.pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  }

  wake(): void {
    const { pid } = this;
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
  }

  /** SIGTERM, and nobody brings it back until `start`. */
  async leave(): Promise<void> {
    const { role } = this;
    this.wake();
    await role?.stop();
    this.role = undefined;
  }

  /** At once, for good. */
  async destroy(): Promise<void> {
    const { role, pid } = this;
    this.role = undefined;
    if (pid === undefined) {
      await role?.stop();
      return;
    }
    this.doomed.add(pid);
    role?.kill();
    await role?.stop();
  }
}
