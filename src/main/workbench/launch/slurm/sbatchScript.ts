import { resourcesOf, type LaunchSettings, type TaskResources } from '../../../../shared/launch.ts';
import type { TaskArray } from './arrays.ts';

export interface ScriptOf {
  /** Of the job. */
  readonly name: string;
  /** Of the launch. */
  readonly folder: string;
  readonly settings: LaunchSettings;
  /** Node and the command line of the workbench. */
  readonly program: readonly string[];
  readonly array: TaskArray;
}

/**
 * The script of a job array. Its shell stays beside the task, so that a task that is killed can ask for another try: exit code 75 and
 * ends by a signal queue again, 0 and everything else is final.
 */
export function sbatchScript({ name, folder, settings, program, array }: ScriptOf): string {
  const { kind, tasks, after } = array;
  const throttle = settings.array_parallelism === undefined ? '' : `%${settings.array_parallelism}`;
  const options: readonly (readonly [string, string | number | undefined])[] = [
    ['job-name', name],
    ['array', `0-${tasks.length - 1}${throttle}`],
    ...optionsOf(resourcesOf(settings, kind)),
    ['signal', `B:USR2@${settings.signal_delay_s}`],
    ['requeue', ''],
    ['open-mode', 'append'],
    ['kill-on-invalid-dep', 'yes'],
    ['output', `${folder}/logs/slurm-%A_%a.log`],
  ];
  return [
    '#!/bin/bash',
    ...options.flatMap(([key, value]) => (value === undefined ? [] : [directive(key, value)])),
    `# ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}: ${kind}${after.length === 0 ? '' : `, after ${after.join(', ')}`}`,
    '',
    `folder=${quoted(folder)}`,
    'tasks=(',
    ...tasks.map(({ id }) => `  ${id}`),
    ')',
    'task=${tasks[$SLURM_ARRAY_TASK_ID]}',
    'date >>"$folder/starts/$task"',
    'exec >>"$folder/logs/$task.log" 2>&1',
    'export PTW_THREADS=${PTW_THREADS:-${SLURM_CPUS_PER_TASK:-1}}',
    ...settings.setup,
    '',
    `${program.map(quoted).join(' ')} launch task "$folder" "$task" &`,
    'child=$!',
    "trap 'kill -USR2 $child' USR2",
    "trap 'ended=1; kill -TERM $child' TERM",
    '# wait is left for each signal that comes, and asked again until the task has ended.',
    'while wait $child; code=$?; kill -0 $child 2>/dev/null; do :; done',
    '# What Slurm ends it queues again itself, or was told to cancel.',
    'if [ -z "$ended" ] && { [ $code -eq 75 ] || [ $code -gt 128 ]; }; then',
    '  # Slurm ends this shell when it queues the job again.',
    '  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" && sleep 60',
    'fi',
    'exit $code',
    '',
  ].join('\n');
}

/** As sbatch takes a quoted value on a line of a script. */
const directive = (key: string, value: string | number): string =>
  value === '' ? `#SBATCH --${key}` : `#SBATCH --${key}=${/\s/.test(String(value)) ? `"${value}"` : String(value)}`;

function optionsOf(resources: TaskResources): (readonly [string, string | number | undefined])[] {
  const { partition, account, qos, gres, constraint, nodelist, exclude, cpus_per_task, mem, time } = resources;
  return [
    ['partition', partition],
    ['account', account],
    ['qos', qos],
    ['gres', gres],
    ['constraint', constraint],
    ['nodelist', nodelist],
    ['exclude', exclude],
    ['cpus-per-task', cpus_per_task],
    ['mem', typeof mem === 'number' ? `${mem}G` : mem],
    ['time', time],
    ...Object.entries(resources.additional_parameters ?? {}),
  ];
}

/** For bash. */
export const quoted = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
