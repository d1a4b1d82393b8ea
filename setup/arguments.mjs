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
