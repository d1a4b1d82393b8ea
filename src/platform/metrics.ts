/** One registry per process; roles create their metrics where they count. */
export { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
