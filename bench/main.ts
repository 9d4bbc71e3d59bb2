// `npm run bench`: see USAGE in options.ts, or run it with a part that does not exist.
import { setThreads } from './conditions.ts';
import { parseOptions, USAGE, type Options } from './options.ts';
import { cluster } from './parts/cluster.ts';
import { compare } from './parts/compare.ts';
import { compileBench } from './parts/compile.ts';
import { constraints } from './parts/constraints.ts';
import { findings } from './parts/findings.ts';
import { gpu } from './parts/gpu.ts';
import { radius } from './parts/radius.ts';
import { scaling } from './parts/scaling.ts';
import { workbenchBench } from './parts/workbench.ts';

const PARTS_RUN = {
  compare,
  scaling,
  compile: compileBench,
  gpu,
  constraints,
  findings,
  radius,
  workbench: workbenchBench,
  cluster,
} as const;

function optionsOrUsage(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = optionsOrUsage();
setThreads(options.threads);
try {
  await PARTS_RUN[options.part](options);
} catch (error) {
  console.error(`\nbench ${options.part} failed: ${(error as Error).message}`);
  process.exitCode = 1;
}
