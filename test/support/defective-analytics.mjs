/**
 * The role `analytics` of a version that has a defect: its fold fails at a frame that holds the text
 * DEFECT_AT, after it has changed the state by half. The product has no hook for this; the method is replaced.
 */
const { PartitionFold } = await import(
  new URL('../../dist/domain/charging/partition.js', import.meta.url).href
);
const { apply } = PartitionFold.prototype;
PartitionFold.prototype.apply =
  /** @param {{ body: string }} record @param {unknown} decoded */
  function (record, decoded) {
    const announced = apply.call(this, record, decoded);
    if (record.body.includes(process.env.DEFECT_AT ?? 'DEFECT_AT'))
      throw new TypeError('a defect of this version');
    return announced;
  };
await import(new URL('../../dist/analytics/main.js', import.meta.url).href);
