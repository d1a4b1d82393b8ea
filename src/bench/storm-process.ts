/** One reconnect storm in a process of its own; the parent gets `cut` when it begins, and then its report. */
import { runStorm, type StormOptions } from '../simulator/storm.js';

const options = JSON.parse(process.argv[2] as string) as StormOptions;
const report = await runStorm({ ...options, onCut: () => process.send?.('cut') });
process.send?.(report);
process.on('disconnect', () => process.exit(0));
