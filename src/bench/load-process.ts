/** One round of load in a process of its own; its report goes to the parent. */
import { type LoadOptions, runLoad } from '../simulator/load.js';

const report = await runLoad(JSON.parse(process.argv[2] as string) as LoadOptions);
process.send?.(report);
process.on('disconnect', () => process.exit(0));
