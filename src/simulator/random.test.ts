import { describe, expect, it } from '@jest/globals';
import { seeded } from './random.js';

const draws = (random: ReturnType<typeof seeded>, count: number) =>
  Array.from({ length: count }, random.next);

describe('seeded randomness', () => {
  it('is the same for the same name and another for another, or two runs could not be compared', () => {
    expect(draws(seeded(1, 'SIM-0001', 'ids'), 50)).toEqual(draws(seeded(1, 'SIM-0001', 'ids'), 50));
    expect(draws(seeded(1, 'SIM-0001', 'ids'), 50)).not.toEqual(draws(seeded(2, 'SIM-0001', 'ids'), 50));
    expect(draws(seeded(1, 'SIM-0001', 'ids'), 50)).not.toEqual(draws(seeded(1, 'SIM-0001', 'faults'), 50));
  });

  it('is spread evenly, also over the first draw of many names (a fleet draws its makes so)', () => {
    const firsts = Array.from({ length: 10_000 }, (_, index) => seeded(1, `SIM-${index}`, 'profile').next());
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) => firsts.filter((x) => Math.floor(x * 10) === tenth).length,
    );
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it('makes message ids of the form of a UUID version 4, none twice', () => {
    const random = seeded('ids');
    const ids = Array.from({ length: 10_000 }, random.uuid);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('keeps whole numbers within their bounds, both included', () => {
    const random = seeded('whole');
    const seen = new Set(Array.from({ length: 1_000 }, () => random.whole(2, 5)));
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
  });
});
