import { Counter, type Registry } from '../../platform/metrics.js';

export function createEventReaderMetrics(registry: Registry) {
  const registers = [registry];
  return {
    records: new Counter({
      name: 'wattstream_event_records_total',
      help: 'Records written from streams of events to their tables',
      labelNames: ['stream'],
      registers,
    }),
    failures: new Counter({
      name: 'wattstream_event_failures_total',
      help: 'Steps of reading events that did not succeed at first',
      labelNames: ['stream'],
      registers,
    }),
    refusals: new Counter({
      name: 'wattstream_event_refusals_total',
      help: 'Streams of events that were stopped',
      labelNames: ['stream', 'code'],
      registers,
    }),
  };
}

export type EventReaderMetrics = ReturnType<typeof createEventReaderMetrics>;
