/** What was answered is in the log, byte for byte and in order; and each connection's records are there without a gap. */
import type { StoredRecord } from '../domain/ocpp/record.js';
import { redact } from '../domain/ocpp/redact.js';
import type { LogInspector } from '../streams/ports.js';

/** Records of the gateway and of connections, which no charger said. */
const FACTS = new Set(['Connected', 'Disconnected', 'GatewayStarted', 'GatewayAlive']);

export class LogCheck {
  /** By charge point, in order: the bodies of what was answered and not found yet. */
  private readonly expected = new Map<string, string[]>();
  /** Where reading goes on, by partition. */
  private readonly next: number[];
  /** Number of the last record of each connection that has not ended. */
  private readonly seqs = new Map<string, number>();
  compared = 0;
  records = 0;

  constructor(
    private readonly inspector: LogInspector,
    partitions: number,
  ) {
    this.next = Array.from({ length: partitions }, () => 0);
  }

  /** Texts of one charge point that were answered, in the order of the answers. */
  expect(chargePointId: string, texts: readonly string[]): void {
    const known = this.expected.get(chargePointId) ?? [];
    // The one exception to byte for byte: secrets.
    known.push(...texts.map(redact));
    this.expected.set(chargePointId, known);
  }

  /** Reads what is new in the log; resolves with what is wrong. */
  async read(): Promise<string[]> {
    const wrong: string[] = [];
    for (const { partition, last } of await this.inspector.bounds()) {
      if (last === undefined) continue;
      const from = this.next[partition] ?? 0;
      for await (const record of this.inspector.read(partition, from, last)) {
        this.records++;
        const complaint = this.take(record);
        if (complaint !== undefined) wrong.push(complaint);
      }
      this.next[partition] = last + 1;
    }
    for (const [chargePointId, [first]] of this.expected)
      if (first !== undefined)
        wrong.push(`answered, but not in the log in its place: ${first.slice(0, 300)} of ${chargePointId}`);
    this.expected.clear();
    return wrong;
  }

  private take(record: StoredRecord): string | undefined {
    const { connection, chargePointId, seq, subject, body } = record;
    if (connection !== undefined) {
      const before = this.seqs.get(connection) ?? 0;
      if (seq !== before + 1) return `record ${seq} of connection ${connection} follows record ${before}`;
      if (subject === 'Disconnected') this.seqs.delete(connection);
      else this.seqs.set(connection, seq);
    }
    if (FACTS.has(subject)) return undefined;
    const waiting = this.expected.get(chargePointId);
    if (waiting?.[0] === body) {
      waiting.shift();
      this.compared++;
    }
    return undefined;
  }
}
