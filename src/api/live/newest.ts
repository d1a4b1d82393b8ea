/**
 * The newest notification about each thing, for about as long as the tables may lag behind it. A snapshot is what the
 * tables say with these laid over it, so that what was announced is in it whether or not its rows are written yet.
 * Versions are remembered longer than notifications: an older one must not pass for news when the newer is forgotten.
 */

import type { News } from './news.js';
import { standingOf } from './subject.js';

export type Verdict =
  | 'news'
  /** The same id was here before. */
  | 'repeated'
  /** A newer one about the same thing was here before. */
  | 'older'
  /** News, and the one before it about the same thing never came. */
  | 'gap';

export interface NewestOptions {
  readonly memoryMs: number;
  /** Ids and versions kept at most. */
  readonly capacity: number;
  readonly now: () => number;
}

interface Known {
  readonly version: number;
  readonly deleted: boolean;
}

export class Newest {
  private readonly ids = new Map<string, true>();
  private readonly versions = new Map<string, Known>();
  /** By subject, oldest first: a subject that is told about again moves to the end. */
  private readonly notifications = new Map<string, { notification: News; at: number }>();

  constructor(private readonly options: NewestOptions) {}

  take(notification: News): Verdict {
    if (this.ids.has(notification.id)) return 'repeated';
    remember(this.ids, notification.id, true, this.options.capacity);
    const standing = standingOf(notification);
    if (standing === undefined) return 'news';
    const { subject, version, previous } = standing;
    const known = this.versions.get(subject);
    // An entity that was deleted may begin again at 1.
    if (known !== undefined && version <= known.version && !(known.deleted && version === 1)) return 'older';
    const deleted = notification.type.endsWith('.deleted');
    remember(this.versions, subject, { version, deleted }, this.options.capacity);
    remember(this.notifications, subject, { notification, at: this.options.now() }, this.options.capacity);
    return known !== undefined && typeof previous === 'number' && previous > known.version ? 'gap' : 'news';
  }

  /** Those of the last `memoryMs`. */
  *recent(): Iterable<News> {
    this.forget();
    for (const { notification } of this.notifications.values()) yield notification;
  }

  forget(): void {
    const oldest = this.options.now() - this.options.memoryMs;
    for (const [subject, { at }] of this.notifications) {
      if (at >= oldest) return;
      this.notifications.delete(subject);
    }
  }
}

/** Newest last; the oldest goes when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T, capacity: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > capacity) map.delete(map.keys().next().value as string);
}
