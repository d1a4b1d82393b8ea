import { createMemoryLog } from '../../src/streams/memory/log.js';
/**
 * The log in memory, with its confirms and states in the hands of the test: `hold()` keeps confirms back,
 * `confirm(n)` gives the oldest n, `confirmNewest()` the newest, `flow()` gives all from now on. `become(state)`
 * says a state that memory has no time to reach.
 */
export class GatedPublisher {
  partitions = 4;
  /** Everything handed over, in order. */
  handed = [];
  toAll = [];
  state = 'flowing';
  held = false;
  inner;
  waiting = [];
  listeners = new Set();
  constructor(limits = {}) {
    this.inner = createMemoryLog({ partitions: this.partitions, ...limits }).publisher();
  }
  get unconfirmed() {
    return this.waiting.length;
  }
  async publishOCPPMessage(record) {
    this.handed.push(record);
    const stored = this.inner.publishOCPPMessage(record);
    await this.gate();
    return stored;
  }
  async publishToAll(record) {
    this.toAll.push(record);
    const stored = this.inner.publishToAll(record);
    await this.gate();
    return stored;
  }
  hold() {
    this.held = true;
  }
  confirm(count) {
    for (const release of this.waiting.splice(0, count)) release();
  }
  confirmNewest() {
    this.waiting.pop()?.();
  }
  flow() {
    this.held = false;
    this.confirm(this.waiting.length);
  }
  become(state) {
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
  onState(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async close() {
    this.flow();
    await this.inner.close();
  }
  gate() {
    return this.held ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve();
  }
}
//# sourceMappingURL=gated-publisher.js.map
