/**
 * The role `ingest` of a version that has a defect: it fails at a CALL of an action that
 * there is not. The product has no hook for this; what counts such texts is replaced.
 */
const { Tally } = await import(new URL('../../dist/ingest/metrics.js', import.meta.url).href);
const { add } = Tally.prototype;
Tally.prototype.add =
  /** @param {string} outcome */
  function (outcome) {
    if (outcome === 'not_implemented') throw new TypeError('a defect of this version');
    add.call(this, outcome);
  };
await import(new URL('../../dist/fuzz/ingest-process.js', import.meta.url).href);
