/**
 * What the set-up tells the person in front of it: one line per step when it is done, with its time.
 *
 * @typedef {object} Say
 * @property {<T>(name: string, work: () => Promise<T>, hint?: string) => Promise<T>} step
 *   Runs `work`, then prints `✔ name 1.2 s`. `hint` is printed first, for steps that may take long.
 * @property {(text: string) => void} line
 * @property {(text: string) => void} warn
 */

/** A fault of the machine or of its user, not of the program: said in two sentences, without a stack. */
export class Problem extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} [remedy] what to do about it
   */
  constructor(message, remedy) {
    super(message);
    this.name = 'Problem';
    this.remedy = remedy;
  }
}

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/**
 * @param {{ write(text: string): unknown }} [out]
 * @returns {Say}
 */
export function createSay(out = process.stdout) {
  /** @param {string} text */
  const line = (text) => void out.write(`${text}\n`);
  return {
    line,
    warn: (text) => line(`! ${text}`),
    async step(name, work, hint) {
      if (hint) line(`… ${name}: ${hint}`);
      const began = performance.now();
      try {
        const result = await work();
        line(`✔ ${name} ${seconds(performance.now() - began)}`);
        return result;
      } catch (error) {
        line(`✘ ${name} ${seconds(performance.now() - began)}`);
        throw error;
      }
    },
  };
}

/**
 * A `Problem` in words, anything else (a defect) with its stack.
 * @param {unknown} error
 */
export function tellError(error) {
  if (error instanceof Problem) {
    process.stderr.write(`\n✘ ${error.message}\n${error.remedy ? `  ${error.remedy}\n` : ''}`);
  } else {
    process.stderr.write(`\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
}

/**
 * Ends the process as a command should end.
 * @param {() => Promise<number>} main resolves to the exit code
 */
export async function command(main) {
  // A closed terminal or `| head` must not turn an orderly stop into a crash.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    process.exitCode = await main();
  } catch (error) {
    tellError(error);
    process.exitCode = 1;
  }
  // Everything that must end has ended; a stray keep-alive socket is no reason to linger.
  process.exit();
}
