import { WattstreamError } from '../platform/errors.js';
import type { FramePublisher, FrameRecord, PublisherState } from '../streams/ports.js';

/**
 * A publisher that is not there yet: stalled until `arrive`, then the one that arrived. So a gateway can start
 * while the broker is away, and say 503 instead of refusing connections.
 */
export class LatePublisher implements FramePublisher {
  private arrived: FramePublisher | undefined;
  private readonly listeners = new Set<(state: PublisherState) => void>();

  constructor(readonly partitions: number) {}

  arrive(publisher: FramePublisher): void {
    this.arrived = publisher;
    publisher.onState((state) => this.tell(state));
    this.tell(publisher.state);
  }

  get state(): PublisherState {
    return this.arrived?.state ?? 'stalled';
  }

  get unconfirmed(): number {
    return this.arrived?.unconfirmed ?? 0;
  }

  publishOCPPMessage(record: FrameRecord): Promise<{ partition: number }> {
    return this.arrived === undefined ? notYet() : this.arrived.publishOCPPMessage(record);
  }

  publishToAll(record: FrameRecord): Promise<void> {
    return this.arrived === undefined ? notYet() : this.arrived.publishToAll(record);
  }

  onState(listener: (state: PublisherState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(drainMs?: number): Promise<void> {
    await this.arrived?.close(drainMs);
  }

  private tell(state: PublisherState): void {
    for (const listener of this.listeners) listener(state);
  }
}

const notYet = (): Promise<never> =>
  Promise.reject(
    new WattstreamError('PUBLISHER_CLOSED', 'The broker has not been reached yet', { canRetry: true }),
  );
