/**
 * Credit that is given back for chunks that were handled, half of it at a time: a write per chunk was a tenth of the work
 * of a reader whose chunks hold one record each. The other half keeps the broker sending meanwhile.
 */
import type { StreamClient } from './client.js';
import { creditFrame } from './frames.js';

export class Credit {
  private client: Pick<StreamClient, 'write'> | undefined;
  private owed = 0;

  /** @param chunks that may be on their way or waiting here; what the subscription began with */
  constructor(
    private readonly subscription: number,
    private readonly chunks: number,
  ) {}

  /** One more chunk of this connection is done with. A new connection owes nothing from before. */
  handled(client: Pick<StreamClient, 'write'>): void {
    if (this.client !== client) {
      this.client = client;
      this.owed = 0;
    }
    this.owed += 1;
    if (this.owed * 2 < this.chunks) return;
    client.write(creditFrame(this.subscription, this.owed));
    this.owed = 0;
  }
}
