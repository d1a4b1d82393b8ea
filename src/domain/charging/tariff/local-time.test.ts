/** What would break: night and weekend prices, most of all on the two nights a year when clocks are changed. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTimeZone, localCuts, offsetAt, offsetStretches, wallClock } from './local-time.js';

const at = (text: string) => Date.parse(text);
const HOUR = 3_600_000;

describe("the station's wall clock", () => {
  it.each([
    ['2026-07-03T22:30:00Z', 'Europe/Berlin', '2026-07-04', 0.5, 'SATURDAY'],
    ['2026-01-03T22:30:00Z', 'Europe/Berlin', '2026-01-03', 23.5, 'SATURDAY'],
    ['2026-01-01T03:00:00Z', 'America/New_York', '2025-12-31', 22, 'WEDNESDAY'],
    ['2026-01-01T18:30:00Z', 'Asia/Kolkata', '2026-01-02', 0, 'FRIDAY'],
    ['1969-12-31T12:00:00Z', 'UTC', '1969-12-31', 12, 'WEDNESDAY'],
  ])('at %s in %s shows %s, %d h, a %s', (instant, zone, date, hours, weekday) => {
    expect(wallClock(at(instant), zone)).toEqual({ date, timeOfDay: hours * HOUR, weekday });
  });

  it('jumps over an hour in spring and repeats one in autumn', () => {
    const day = (date: string) =>
      offsetStretches(at(`${date}T00:00:00Z`), at(`${date}T12:00:00Z`), 'Europe/Berlin');
    expect(day('2026-03-29').map(({ to, offset }) => [to, offset / HOUR])).toEqual([
      [at('2026-03-29T01:00:00Z'), 1],
      [at('2026-03-29T12:00:00Z'), 2],
    ]);
    expect(day('2026-10-25').map(({ to, offset }) => [to, offset / HOUR])).toEqual([
      [at('2026-10-25T01:00:00Z'), 2],
      [at('2026-10-25T12:00:00Z'), 1],
    ]);
  });

  it('is asked at a time that never comes in spring: the change itself is a cut', () => {
    const cuts = localCuts(at('2026-03-28T23:00:00Z'), at('2026-03-29T09:00:00Z'), 'Europe/Berlin', [
      2.5 * HOUR,
    ]);
    expect(cuts).toEqual([at('2026-03-29T01:00:00Z')]);
  });

  it('is asked at a time that comes twice in autumn: both are cuts, and the change between them', () => {
    const cuts = localCuts(at('2026-10-24T22:00:00Z'), at('2026-10-25T09:00:00Z'), 'Europe/Berlin', [
      2.5 * HOUR,
    ]);
    expect(cuts).toEqual(['00:30', '01:00', '01:30'].map((time) => at(`2026-10-25T${time}:00Z`)));
  });

  it('knows no zone that is none', () => {
    expect(['Europe/Berlin', 'UTC', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false]);
  });

  it('changes nothing that restrictions ask for but at cuts', () => {
    const zones = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }),
        fc.integer({ min: 1, max: 60 * HOUR }),
        fc.integer({ min: 0, max: 24 * 60 - 1 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (zone, from, length, minute, share) => {
          const cuts = [from, ...localCuts(from, from + length, zone, [0, minute * 60_000]), from + length];
          const view = (instant: number) => {
            const { date, timeOfDay, weekday } = wallClock(instant, zone);
            return [date, weekday, timeOfDay >= minute * 60_000];
          };
          for (let i = 1; i < cuts.length; i++) {
            const [start, end] = [cuts[i - 1] as number, cuts[i] as number];
            expect(view(start + Math.floor((end - start - 1) * share))).toEqual(view(start));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps offsets that are no whole hours', () => {
    expect(offsetAt(at('2026-01-01T00:00:00Z'), 'Asia/Kathmandu')).toBe(5.75 * HOUR);
    expect(offsetAt(at('2026-07-01T00:00:00Z'), 'America/St_Johns')).toBe(-2.5 * HOUR);
  });
});
