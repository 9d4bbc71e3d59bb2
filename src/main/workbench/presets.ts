import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExperimentConfig } from '../../shared/config.ts';
import { checkConfig } from './checkConfig.ts';
import { BadInput } from './errors.ts';
import { parseConfig, readConfigFile, withAssignments } from './loadConfig.ts';

const FOLDER = fileURLToPath(new URL('../../../resources/presets/', import.meta.url));

export function presetNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/**
 * The experiment of a preset's name or a config file's path, with `--set` assignments applied.
 * @throws BadInput
 */
export function loadExperiment(presetOrFile: string, assignments: readonly string[] = []): ExperimentConfig {
  const preset = presetNames().includes(presetOrFile);
  if (!preset && !existsSync(presetOrFile)) {
    throw new BadInput(`"${presetOrFile}" is neither a preset nor a file; presets are: ${presetNames().join(', ')}`);
  }
  const file = preset ? `${FOLDER}${presetOrFile}.json` : presetOrFile;
  const place = preset ? `the preset "${presetOrFile}"` : `the config "${presetOrFile}"`;
  const config = parseConfig(withAssignments(readConfigFile(file), assignments), place);
  checkConfig(config);
  return config;
}
