/**
 * Samples of a part as checkpoints keep them: an hour of them to a page, under a name of its own, so that a
 * checkpoint of a long session writes its last hour and not all of it again.
 */
import type { SeriesSet } from './series.js';

const PAGE_MS = 3_600_000;

/** Hours since the epoch. */
export type Page = number;

export const pageOf = (at: number): Page => Math.floor(at / PAGE_MS);

export const pageName = (partKey: string, page: Page): string => `samples ${page} ${partKey}`;

/** The page a name stands for; undefined when it names something else (keys of parts have no space so early). */
export function readPageName(name: string): { partKey: string; page: Page } | undefined {
  const found = /^samples (-?\d+) (.*)$/s.exec(name);
  return found === null ? undefined : { page: Number(found[1]), partKey: found[2] as string };
}

/** The samples of one page as JSON; '' when there are none. */
export function pageText(set: SeriesSet, page: Page): string {
  const onPage: SeriesSet = {};
  for (const [key, points] of Object.entries(set)) {
    let from = points.length;
    // Pages that change are nearly always the last.
    while (from > 0 && pageOf(points[from - 3] as number) >= page) from -= 3;
    let to = from;
    while (to < points.length && pageOf(points[to] as number) === page) to += 3;
    if (to > from) onPage[key] = points.slice(from, to);
  }
  return Object.keys(onPage).length === 0 ? '' : JSON.stringify(onPage);
}

/** Puts pages together again, in whatever order they come. */
export function fromPages(pages: ReadonlyMap<Page, string>): SeriesSet {
  const set: SeriesSet = {};
  for (const page of [...pages.keys()].sort((a, b) => a - b)) {
    for (const [key, points] of Object.entries(JSON.parse(pages.get(page) as string) as SeriesSet)) {
      const target = set[key];
      if (target === undefined) set[key] = points;
      else for (const value of points) target.push(value);
    }
  }
  return set;
}
