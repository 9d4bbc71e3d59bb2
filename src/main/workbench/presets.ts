import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExperimentConfig } from '../../shared/config.ts';
import { checkConfig } from './checkConfig.ts';
import { BadInput } from './errors.ts';
import { parseConfig, readConfigFile, withAbsoluteFolders, withAssignments } from './loadConfig.ts';

const FOLDER = fileURLToPath(new URL('../../../resources/presets/', import.meta.url));

export function presetNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** A preset as it is written, its folders of images absolute. */
export const presetDocument = (preset: string): unknown =>
  withAbsoluteFolders(readConfigFile(`${FOLDER}${preset}.json`), FOLDER);

/**
 * The experiment of a preset's name or a config file's path, with `--set` assignments applied. Folders of images are taken
 * relative to the file that names them; those of `--set`, to the working directory.
 * @throws BadInput; DataError for a folder that is no set of images
 */
export function loadExperiment(presetOrFile: string, assignments: readonly string[] = []): ExperimentConfig {
  const preset = presetNames().includes(presetOrFile);
  if (!preset && !existsSync(presetOrFile)) {
    throw new BadInput(`"${presetOrFile}" is neither a preset nor a file; presets are: ${presetNames().join(', ')}`);
  }
  const file = preset ? `${FOLDER}${presetOrFile}.json` : presetOrFile;
  const place = preset ? `the preset "${presetOrFile}"` : `the config "${presetOrFile}"`;
  const document = withAbsoluteFolders(readConfigFile(file), path.dirname(file));
  const config = parseConfig(withAbsoluteFolders(withAssignments(document, assignments), process.cwd()), place);
  checkConfig(config);
  return config;
}
