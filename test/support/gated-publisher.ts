import type { FrameRecord } from '../../src/domain/ocpp/record.js';
import { createMemoryLog } from '../../src/streams/memory/log.js';
import type { FramePublisher, PublisherState } from '../../src/streams/ports.js';

/**
 * The log in memory, with its confirms and states in the hands of the test: `hold()` keeps confirms back,
 * `confirm(n)` gives the oldest n, `confirmNewest()` the newest, `flow()` gives all from now on. `become(state)`
 * says a state that memory has no time to reach.
 */
export class GatedPublisher implements FramePublisher {
  readonly partitions = 4;
  /** Everything handed over, in order. */
  readonly handed: FrameRecord[] = [];
  readonly toAll: FrameRecord[] = [];
  state: PublisherState = 'flowing';
  private held = false;
  private readonly inner: FramePublisher;
  private readonly waiting: (() => void)[] = [];
  private readonly listeners = new Set<(state: PublisherState) => void>();

  constructor(limits: { maxRecordBytes?: number } = {}) {
    this.inner = createMemoryLog({ partitions: this.partitions, ...limits }).publisher();
  }

  get unconfirmed(): number {
    return this.waiting.length;
  }

  async publishOCPPMessage(record: FrameRecord): Promise<{ partition: number }> {
    this.handed.push(record);
    const stored = this.inner.publishOCPPMessage(record);
    await this.gate();
    return stored;
  }

  async publishToAll(record: FrameRecord): Promise<void> {
    this.toAll.push(record);
    const stored = this.inner.publishToAll(record);
    await this.gate();
    return stored;
  }

  hold(): void {
    this.held = true;
  }

  confirm(count: number): void {
    for (const release of this.waiting.splice(0, count)) release();
  }

  confirmNewest(): void {
    this.waiting.pop()?.();
  }

  flow(): void {
    this.held = false;
    this.confirm(this.waiting.length);
  }

  become(state: PublisherState): void {
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }

  onState(listener: (state: PublisherState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.flow();
    await this.inner.close();
  }

  private gate(): Promise<void> {
    return this.held ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve();
  }
}
