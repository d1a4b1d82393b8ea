/** The local lists of one api process, put together from parts that are given. */
import type { Queries } from '../../analytics/ports.js';
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, ListWakes } from '../../queues/ports.js';
import type { Replica } from '../../registry/replica.js';
import type { CommandBook } from '../commands/book.js';
import type { CommandClock } from '../commands/ports.js';
import type { CommandService } from '../commands/service.js';
import { ListDesk, type ListDeskOptions } from './desk.js';
import { TouchedNow } from './touched.js';
import { ListUpdater } from './update.js';
import { ListShelf } from './view.js';

export interface OpenLocalListsOptions {
  readonly settings: Pick<
    Settings,
    | 'WATTSTREAM_LOCAL_LIST_SETTLE_MS'
    | 'WATTSTREAM_LOCAL_LIST_AT_ONCE'
    | 'WATTSTREAM_LOCAL_LIST_ENTRIES'
    | 'WATTSTREAM_LOCAL_LIST_PER_MESSAGE'
  >;
  readonly replica: Replica;
  readonly commands: Pick<CommandService, 'start'>;
  readonly book: Pick<CommandBook, 'recent' | 'protocol'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  readonly wakes: ListWakes;
  readonly queries?: Pick<Queries, 'ask'>;
  readonly logger: Logger;
  readonly clock?: CommandClock;
  readonly pace?: Pick<ListDeskOptions, 'tickMs' | 'settleInMs' | 'againMs'>;
}

export interface OpenLocalLists {
  readonly shelf: ListShelf;
  close(): Promise<void>;
}

export function openLocalLists(options: OpenLocalListsOptions): OpenLocalLists {
  const { settings, replica, commands, book, sender, wakes, queries, logger, pace } = options;
  const clock = options.clock ?? { now: () => Date.now() };
  const lists = {
    settleMs: settings.WATTSTREAM_LOCAL_LIST_SETTLE_MS,
    entries: settings.WATTSTREAM_LOCAL_LIST_ENTRIES,
    perMessage: settings.WATTSTREAM_LOCAL_LIST_PER_MESSAGE,
  };
  const touched = new TouchedNow(replica);
  const updater = new ListUpdater({ replica, touched, commands, sender, clock, settings: lists });
  const desk = new ListDesk({
    wakes,
    replica,
    updater,
    clock,
    settleMs: lists.settleMs,
    atOnce: settings.WATTSTREAM_LOCAL_LIST_AT_ONCE,
    logger,
    ...pace,
  });
  return {
    shelf: new ListShelf({
      replica,
      touched,
      book,
      sender,
      wakes,
      clock,
      settings: lists,
      ...(queries === undefined ? {} : { queries }),
    }),
    async close() {
      await desk.close();
      touched.close();
      await wakes.close();
    },
  };
}
