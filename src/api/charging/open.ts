/** Customers' charging in one api process, put together from parts that are given. */
import type { Queries } from '../../analytics/ports.js';
import type { ChargingRequest } from '../../domain/customers/request.js';
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, EventPublisher } from '../../queues/ports.js';
import type { RegistryStore } from '../../registry/store.js';
import type { EventLog } from '../../streams/ports.js';
import type { CommandClock } from '../commands/ports.js';
import type { CommandService } from '../commands/service.js';
import { ChargingBook } from './book.js';
import { Herald } from './herald.js';
import { chargingHistoryFrom } from './history.js';
import type { SessionPricer } from './pricer.js';
import { ReceiptDesk } from './receipts.js';
import { ChargingService } from './service.js';
import { SessionDesk } from './sessions.js';
import { StationDesk, type StationDeskOptions } from './stations.js';

export interface OpenChargingOptions {
  readonly settings: Pick<
    Settings,
    | 'WATTSTREAM_CHARGING_START_SECONDS'
    | 'WATTSTREAM_CHARGING_STOP_SECONDS'
    | 'WATTSTREAM_COMMAND_SECONDS'
    | 'WATTSTREAM_COMMAND_GRACE_SECONDS'
    | 'WATTSTREAM_COMMAND_MEMORY_MINUTES'
    | 'WATTSTREAM_RECEIPT_SUPPLIER'
    | 'WATTSTREAM_RECEIPT_SUPPLIER_ADDRESS'
    | 'WATTSTREAM_RECEIPT_VAT_ID'
  >;
  readonly store: RegistryStore;
  readonly commands: Pick<CommandService, 'start'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  /** As `telling` makes it: each event is told as a notification too. */
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly log: Pick<EventLog, 'follow'>;
  readonly queries: Pick<Queries, 'ask'>;
  readonly pricer: SessionPricer;
  readonly protocolOf: StationDeskOptions['protocolOf'];
  readonly logger: Logger;
  readonly clock?: CommandClock;
}

export interface OpenCharging {
  readonly service: ChargingService;
  readonly sessions: SessionDesk;
  readonly receipts: ReceiptDesk;
  readonly stations: StationDesk;
  /** What was given is its owner's to close. */
  close(): Promise<void>;
}

export function openCharging(options: OpenChargingOptions): OpenCharging {
  const { settings, store, commands, sender, events, log, queries, pricer, protocolOf, logger } = options;
  const clock = options.clock ?? { now: () => Date.now() };
  const startSeconds = settings.WATTSTREAM_CHARGING_START_SECONDS;
  const stopSeconds = settings.WATTSTREAM_CHARGING_STOP_SECONDS;
  // An api that has just started must find every request that is still open.
  const rememberMs = Math.max(
    settings.WATTSTREAM_COMMAND_MEMORY_MINUTES * 60_000,
    2_000 * Math.max(startSeconds, stopSeconds),
  );
  const history = chargingHistoryFrom(queries);
  const herald = new Herald({
    events,
    clock,
    graceMs: settings.WATTSTREAM_COMMAND_GRACE_SECONDS * 1_000,
    spread: Math.random(),
    logger,
    onFailed: (request: ChargingRequest) => void service.withdraw(request),
  });
  const book = new ChargingBook({
    log,
    clock,
    rememberMs,
    logger,
    onChange: (request) => herald.look(request),
  });
  const service: ChargingService = new ChargingService({
    store,
    commands,
    sender,
    events,
    book,
    herald,
    history,
    clock,
    limits: { startSeconds, stopSeconds, commandSeconds: settings.WATTSTREAM_COMMAND_SECONDS },
    logger,
  });
  herald.start(book);
  const { replica } = store;
  const sessions = new SessionDesk({
    queries,
    book,
    replica,
    pricer,
    supplier: {
      name: settings.WATTSTREAM_RECEIPT_SUPPLIER,
      address: settings.WATTSTREAM_RECEIPT_SUPPLIER_ADDRESS,
      vatId: settings.WATTSTREAM_RECEIPT_VAT_ID,
    },
  });
  return {
    service,
    sessions,
    receipts: new ReceiptDesk({ sessions, events, book, history, clock }),
    stations: new StationDesk({ queries, book, replica, protocolOf, clock }),
    async close() {
      herald.close();
      await book.close();
    },
  };
}
