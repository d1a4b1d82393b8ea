/** The closed table of the registry's metric names. */

import { LOGIN_VOID_REASONS } from '../domain/logins/evolve.js';
import { ENTITY_KINDS } from '../domain/messages/cms-events.js';
import { VOID_REASONS } from '../domain/registry/evolve.js';
import { Counter, Gauge, type Registry } from '../platform/metrics.js';
import type { LoginReplica } from './logins.js';
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

export function observeLogins(replica: LoginReplica, metrics: Registry): void {
  new Gauge({
    name: 'wattstream_logins_ready',
    help: '1 when the log of logins has been read to the end that it had',
    registers: [metrics],
    collect() {
      this.set(replica.ready() === undefined ? 1 : 0);
    },
  });
  new Gauge({
    name: 'wattstream_logins_position',
    help: 'Offset of the newest record of the log of logins that was read',
    registers: [metrics],
    collect() {
      this.set(replica.position);
    },
  });
  new Gauge({
    name: 'wattstream_logins_held',
    help: 'Logins known: those that go on, and for a day those that have passed',
    registers: [metrics],
    collect() {
      this.set(replica.state.logins.size);
    },
  });
  const events = new Counter({
    name: 'wattstream_logins_events_total',
    help: 'Events of logins judged since the start: begun, turned, ended, or why they were void',
    labelNames: ['verdict'],
    registers: [metrics],
  });
  for (const verdict of ['begun', 'turned', 'ended', ...LOGIN_VOID_REASONS]) events.inc({ verdict }, 0);
  replica.onJudged(({ event, verdict }) =>
    events.inc({
      verdict: verdict.verdict === 'applied' ? event.type.slice('login.'.length) : verdict.reason,
    }),
  );
}
