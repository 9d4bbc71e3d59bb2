import type { ExperimentConfigInput } from '../src/shared/config.ts';
import { checkConfig } from '../src/main/workbench/checkConfig.ts';
import { parseConfig } from '../src/main/workbench/loadConfig.ts';
import { startRun } from '../src/main/workbench/workbench.ts';
import { quietHost, SILENT } from '../test/workbench/tinyExperiment.ts';
import { conditionsOf } from './conditions.ts';

/** Runs an ordinary experiment in a folder, showing notices alone. @returns its id, and what it was computed with */
export async function quietRun(
  folder: string,
  config: ExperimentConfigInput,
): Promise<{ readonly id: number; readonly conditions: string }> {
  const parsed = parseConfig(config, config.name);
  checkConfig(parsed);
  let conditions = '';
  const host = quietHost({
    reporter: { ...SILENT, notice: (text) => console.log(text) },
    opened: ({ backend }) => (conditions = conditionsOf(backend)),
  });
  const id = await startRun(folder, parsed, host);
  return { id, conditions };
}
