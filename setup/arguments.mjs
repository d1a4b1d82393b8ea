import { parseArgs } from 'node:util';
import { Problem } from './say.mjs';

export const START_HELP = `npm start [-- options]

  --chargers N   simulated chargers (default 20; 0 = none)
  --speed X      how much faster than life they charge, or max (default: the simulator's own)
  --help         this text

Brings up a broker, ClickHouse, ingest, analytics, the API with its dashboards, and simulated chargers.
RABBITMQ_URL, RABBITMQ_STREAM_URL and CLICKHOUSE_URL name servers to use instead of embedded ones.
Ports: WATTSTREAM_INGEST_PORT (9220), WATTSTREAM_API_PORT (8080), CLICKHOUSE_PORT (8123).
Data and logs: WATTSTREAM_DATA (.wattstream). "npm run reset" removes them.`;

/**
 * @param {readonly string[]} argv without node and script
 * @returns {{ help: true } | { help: false, chargers: number, speed: number | 'max' | undefined }}
 */
export function startArguments(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        chargers: { type: 'string', default: '20' },
        speed: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new Problem(/** @type {Error} */ (error).message, 'npm start -- --help lists the options.');
  }
  if (values.help) return { help: true };
  const chargers = Number(values.chargers);
  if (!/^\d+$/.test(values.chargers) || chargers > 1_000_000) {
    throw new Problem(
      `--chargers ${values.chargers} is no number of chargers.`,
      'Give a whole number, for example --chargers 50.',
    );
  }
  const speed = values.speed === undefined || values.speed === 'max' ? values.speed : Number(values.speed);
  if (typeof speed === 'number' && !(Number.isFinite(speed) && speed > 0)) {
    throw new Problem(
      `--speed ${values.speed} is no speed.`,
      'Give a number above 0, for example --speed 60.',
    );
  }
  return { help: false, chargers, speed };
}

export const CHAOS_HELP = `npm run chaos [-- options]

  --seed N        which faults hit whom and when, and what the chargers do (default: random; it is printed)
  --minutes M     during which faults come (default 3)
  --faults K      how many (default 40)
  --chargers N    simulated chargers at a time (default 24)
  --cluster       three broker nodes instead of one; the one that leads a partition is killed
  --only A,B      these kinds of faults alone (--only help lists them)
  --report DIR    where chaos-<seed>.md and chaos-<seed>.json go (default: reports)
  --keep          keep logs and data of the run
  --help          this text

Brings up a broker and a ClickHouse of its own, two ingest and two analytics processes, and chargers that know what
they delivered; injects faults; then compares log and tables with what the chargers know. Ends with 0 only when
nothing differs. May run beside "npm start". You may kill its processes by hand while it runs.`;

/**
 * @typedef {object} ChaosWanted
 * @property {number} seed
 * @property {number} minutes
 * @property {number} faults
 * @property {number} chargers
 * @property {boolean} cluster
 * @property {string[] | undefined} only
 * @property {string} report
 * @property {boolean} keep
 */

/**
 * @param {readonly string[]} argv without node and script
 * @returns {{ help: true } | ({ help: false } & ChaosWanted)}
 */
export function chaosArguments(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string', default: '3' },
        faults: { type: 'string', default: '40' },
        chargers: { type: 'string', default: '24' },
        cluster: { type: 'boolean', default: false },
        only: { type: 'string' },
        report: { type: 'string', default: 'reports' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new Problem(/** @type {Error} */ (error).message, 'npm run chaos -- --help lists the options.');
  }
  if (values.help) return { help: true };
  /**
   * @param {string} name
   * @param {string} text
   * @param {{ least: number, most: number, whole?: boolean }} range
   */
  const number = (name, text, { least, most, whole = true }) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      throw new Problem(
        `--${name} ${text} is not possible.`,
        `Give a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`,
      );
    }
    return value;
  };
  return {
    help: false,
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * 1_000_000)
        : number('seed', values.seed, { least: 0, most: 2 ** 31 }),
    minutes: number('minutes', values.minutes, { least: 0.1, most: 24 * 60, whole: false }),
    faults: number('faults', values.faults, { least: 0, most: 100_000 }),
    chargers: number('chargers', values.chargers, { least: 4, most: 2_000 }),
    cluster: values.cluster,
    only: values.only?.split(',').filter((name) => name !== ''),
    report: values.report,
    keep: values.keep,
  };
}
