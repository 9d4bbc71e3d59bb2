import { arraysOf } from './slurm/arrays.ts';
import { sbatchScript } from './slurm/sbatchScript.ts';
import type { LaunchFile } from './launchFile.ts';

export interface ScriptPreview {
  readonly kind: string;
  readonly tasks: number;
  /** Ids of tasks that it waits for. */
  readonly after: readonly string[];
  readonly text: string;
}

/** The scripts that a launch on Slurm sends, as they are sent where arrays may be of any size. */
export function previewScripts(launch: LaunchFile, folder: string): ScriptPreview[] {
  const ids = new Set(launch.tasks.map(({ id }) => id));
  const arrays = arraysOf(launch.tasks, { largest: Infinity, isOpen: (task) => ids.has(task) });
  return arrays.map((array, i) => ({
    kind: array.kind,
    tasks: array.tasks.length,
    after: array.after,
    text: sbatchScript({
      name: `ptw-${launch.name}-${i + 1}`,
      folder,
      settings: launch.settings,
      program: launch.program,
      array,
    }),
  }));
}
