/** The closed table of the registry's metric names. */
import { ENTITY_KINDS } from '../domain/messages/cms-events.js';
import { VOID_REASONS } from '../domain/registry/evolve.js';
import { Counter, Gauge, type Registry } from '../platform/metrics.js';
import type { Replica } from './replica.js';

export function observeReplica(replica: Replica, metrics: Registry): void {
  new Gauge({
    name: 'wattstream_registry_ready',
    help: '1 when the registry has been read to the end that its log had',
    registers: [metrics],
    collect() {
      this.set(replica.ready() === undefined ? 1 : 0);
    },
  });
  new Gauge({
    name: 'wattstream_registry_position',
    help: 'Offset of the newest record of the registry that was read',
    registers: [metrics],
    collect() {
      this.set(replica.position);
    },
  });
  new Gauge({
    name: 'wattstream_registry_entities',
    help: 'Entities known, deleted ones included',
    labelNames: ['kind'],
    registers: [metrics],
    collect() {
      for (const kind of ENTITY_KINDS) this.set({ kind }, replica.state.entities[kind].size);
    },
  });
  const events = new Counter({
    name: 'wattstream_registry_events_total',
    help: 'Events judged since the start: applied, or why they were void',
    labelNames: ['verdict'],
    registers: [metrics],
  });
  for (const verdict of ['applied', ...VOID_REASONS]) events.inc({ verdict }, 0);
  replica.onJudged(({ verdict }) =>
    events.inc({ verdict: verdict.verdict === 'applied' ? 'applied' : verdict.reason }),
  );
}
