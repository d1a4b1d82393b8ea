import { pino } from 'pino';

/** The subset of pino that the code uses. Field objects first, then the sentence. */
export interface Logger {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  child(fields: object): Logger;
}

/** JSON lines on standard output. `level`: debug, info, warn, error, silent. */
export const createLogger = (name: string, level: string): Logger =>
  pino({ name, level, base: { role: name }, timestamp: pino.stdTimeFunctions.isoTime });

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
