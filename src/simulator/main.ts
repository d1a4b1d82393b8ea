/**
 * The role `simulator`: composition root and command line. `simulator` runs chargers by a scenario until it is
 * over or told to stop; `simulator load` measures a server. Whoever tests imports `simulate` or `runLoad`.
 */
import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { WattstreamError } from '../platform/errors.js';
import { Lifecycle } from '../platform/lifecycle.js';
import { createLogger } from '../platform/logger.js';
import { type Fleet, type Progress, type SimulateOptions, startFleet, type Version } from './fleet.js';
import { type LoadAction, runLoad } from './load.js';
import { SCENARIOS } from './scenarios/index.js';

const URL_DEFAULT = 'ws://127.0.0.1:9220/ocpp';
const log = createLogger('simulator', process.env.WATTSTREAM_LOG_LEVEL || 'info');

const number = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value) || value < least)
    throw new InvalidArgumentError(`A number of at least ${least}.`);
  return value;
};
const whole = (least: number) => (text: string) => {
  const value = number(least)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('A whole number.');
  return value;
};
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const duration = (text: string) => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Such as 90s, 30m, 24h or 7d.');
  return Number(amount) * UNITS[unit as keyof typeof UNITS];
};
const speed = (text: string) => {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const value = number(0)(text);
  if (value === 0) throw new InvalidArgumentError('More than 0, or "max".');
  return value;
};
const mix = (text: string) =>
  Object.fromEntries(
    text.split(',').map((part) => {
      const [action, weight] = part.split('=');
      return [action, number(0)(weight ?? '')];
    }),
  ) as Partial<Record<LoadAction, number>>;
const url = (text: string) => {
  if (!/^wss?:\/\/[^/]+/.test(text)) throw new InvalidArgumentError('Such as ws://127.0.0.1:9220/ocpp.');
  return text;
};

interface RunFlags {
  chargers: number;
  url: string;
  scenario: string;
  seed: number;
  speed?: number;
  version: Version;
  duration?: number;
  until: 'closed' | 'duration';
  prefix: string;
  password?: string;
  jsonReport?: string;
  json?: true;
  progress: number;
}

const program = new Command('simulator')
  .description('Simulated chargers, by scenario.')
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `\nScenarios:\n${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}`,
  )
  .option('--chargers <n>', 'how many', whole(0), 10)
  .option('--url <url>', 'OCPP endpoint; the charge point id is appended', url, URL_DEFAULT)
  .addOption(
    new Option('--scenario <name>', 'what happens')
      .choices(SCENARIOS.map(({ name }) => name))
      .default('steady'),
  )
  .option('--seed <n>', 'same seed, same story', whole(0), 1)
  .option('--speed <x>', 'virtual seconds per real second, or "max" (default: the scenario\'s)', speed)
  .addOption(
    new Option('--version <v>', 'OCPP version').choices(['1.6', '2.0.1', '2.1', 'mixed']).default('mixed'),
  )
  .option(
    '--duration <time>',
    "virtual time during which cars arrive, such as 30m (default: the scenario's)",
    duration,
  )
  .addOption(
    new Option('--until <end>', 'what ends a run: all sessions closed, or the duration alone')
      .choices(['closed', 'duration'])
      .default('closed'),
  )
  .option('--prefix <text>', 'charge point ids are this and a number from 0001', 'SIM-')
  .option('--password <text>', 'HTTP Basic password of every charger')
  .option('--json-report <file>', 'write what really happened: sessions and counts')
  .option('--json', 'progress as JSON lines')
  .option('--progress <seconds>', 'between progress lines; 0 = none', number(0), 5)
  .action(run);

program
  .command('load')
  .description('Keep a number of connections busy and measure answers per second and their latency.')
  .option('--url <url>', 'OCPP endpoint', url, URL_DEFAULT)
  .option('--connections <n>', 'how many', whole(1), 100)
  .option('--seconds <s>', 'measured time', number(0.1), 10)
  .option('--warmup <s>', 'before it', number(0), 2)
  .addOption(new Option('--version <v>', 'OCPP version').choices(['1.6', '2.0.1']).default('1.6'))
  .option('--mix <weights>', 'such as MeterValues=85,Heartbeat=15', mix)
  .option('--pipelining <n>', 'CALLs outstanding per connection', whole(1), 1)
  .option(
    '--rate <n>',
    'CALLs per second over all connections (default: as fast as answers come)',
    number(0.001),
  )
  .option('--prefix <text>', 'charge point ids are this and a number from 0001', 'LOAD-')
  .option('--password <text>', 'HTTP Basic password of every charger')
  .action(load);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof WattstreamError)) throw error;
  log.error({ code: error.code, remedy: error.remedy }, error.message);
  process.exitCode = 1;
}

async function run(flags: RunFlags): Promise<void> {
  const { password } = flags;
  const options: SimulateOptions = {
    url: flags.url,
    chargers: flags.chargers,
    scenario: flags.scenario,
    seed: flags.seed,
    version: flags.version,
    until: flags.until,
    prefix: flags.prefix,
    // Without a report nobody asks about the past, and a run may be endless.
    keep: flags.jsonReport !== undefined,
    log,
    ...(flags.speed === undefined ? {} : { speed: flags.speed }),
    ...(flags.duration === undefined ? {} : { durationMs: flags.duration }),
    ...(password === undefined ? {} : { password: () => password }),
  };
  const fleet = startFleet(options);
  const lifecycle = new Lifecycle(log, 2_000);
  lifecycle.hold('report', { close: () => report(fleet, flags.jsonReport) });
  let told = false;
  lifecycle.hold('chargers', {
    close: () => {
      told = true;
      return fleet.stop();
    },
  });
  lifecycle.listen();
  const say = () => sayProgress(fleet.progress(), flags.json === true);
  const timer = flags.progress > 0 ? setInterval(say, flags.progress * 1_000) : undefined;
  await fleet.done;
  clearInterval(timer);
  if (!told) say();
  await lifecycle.stop();
  process.exit(0);
}

async function load(flags: {
  url: string;
  connections: number;
  seconds: number;
  warmup: number;
  version: '1.6' | '2.0.1';
  mix?: Partial<Record<LoadAction, number>>;
  pipelining: number;
  rate?: number;
  prefix: string;
  password?: string;
}): Promise<void> {
  const { warmup, password, ...rest } = flags;
  const report = await runLoad({
    ...rest,
    warmupSeconds: warmup,
    ...(password === undefined ? {} : { password: () => password }),
  } as Parameters<typeof runLoad>[0]);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function report(fleet: Fleet, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const { ledger } = fleet;
  const answered = ledger.answered.map(({ chargePointId, messageId, action, text, answers }) => ({
    chargePointId,
    messageId,
    action,
    text,
    answers,
  }));
  await writeFile(file, JSON.stringify({ counts: ledger.counts, sessions: ledger.sessionList(), answered }));
}

function sayProgress(progress: Progress, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(progress)}\n`);
    return;
  }
  const { online, chargers, sessionsOpen, sessionsClosed, answered, answerMs, callErrors, discarded } =
    progress;
  process.stdout.write(
    `${progress.time ?? ''} chargers ${online}/${chargers} online, sessions ${sessionsOpen} open ${sessionsClosed} closed, ` +
      `frames ${answered} answered (p50 ${answerMs.p50.toFixed(1)} ms, p99 ${answerMs.p99.toFixed(1)} ms), ` +
      `${callErrors} refused, ${discarded} discarded, ${progress.resent} sent again\n`,
  );
}
