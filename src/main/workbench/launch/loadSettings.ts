import { launchSettingsSchema, type LaunchSettings } from '../../../shared/launch.ts';
import { BadInput } from '../errors.ts';
import { invalid, problemsOf, readConfigFile, withAssignments } from '../loadConfig.ts';

/**
 * Launch settings of a file, or the defaults, changed by `key=value` assignments.
 * @throws BadInput with a line for each problem
 */
export function loadSettings(file: string | null, assignments: readonly string[] = []): LaunchSettings {
  const document = file === null ? {} : readConfigFile(file);
  return parseSettings(withAssignments(document, assignments), file === null ? 'the launch settings' : `"${file}"`);
}

/** @throws BadInput with a line for each problem */
export function parseSettings(value: unknown, place: string): LaunchSettings {
  const parsed = launchSettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, launchSettingsSchema, value);
  throw new BadInput(invalid(`${place} cannot launch anything`, problems));
}
