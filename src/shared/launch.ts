import { z } from 'zod';

/**
 * Where a study is computed and with what. Keys of Slurm are those that submitit and Hydra's launcher for it have; a value goes to
 * sbatch as it is, and what sbatch makes of it is the cluster's business.
 */

export const LAUNCHERS = ['slurm', 'local'] as const;
export type LauncherName = (typeof LAUNCHERS)[number];

export const TASK_KINDS = ['extractor', 'heads', 'attacks', 'certificates'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** One line, since it becomes a line of a script. */
const word = (what: string) =>
  z
    .string()
    .regex(/^[^\s'"`$\\]+$/, 'expected text without spaces, quotes, $ and \\')
    .max(500)
    .optional()
    .describe(what);
const count = z.number().int().min(1);

const timeSchema = z
  .union([
    count,
    z
      .string()
      .regex(/^(\d+-\d{1,2}(:\d{1,2}){0,2}|\d+(:\d{1,2}){0,2})$/, 'expected minutes, HH:MM:SS, D-HH or D-HH:MM:SS'),
  ])
  .describe('Time limit of a task: minutes, or as sbatch writes it ("2-00:00:00").');

const memorySchema = z
  .union([count, z.string().regex(/^\d+[KMGT]?$/, 'expected a number with K, M, G or T behind it, e.g. "32G"')])
  .describe('Memory of a task: GB, or as sbatch writes it ("32G").');

const resources = {
  partition: word('Partition.'),
  account: word('Account that is charged.'),
  qos: word('Quality of service.'),
  gres: word('Generic resources, e.g. "gpu:1".'),
  constraint: word('Features that a node must have.'),
  nodelist: word('Nodes to use.'),
  exclude: word('Nodes to keep off.'),
  cpus_per_task: count.max(1024).optional().describe('Processors of a task.'),
  mem: memorySchema.optional(),
  time: timeSchema.optional(),
  additional_parameters: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]*$/, 'expected the long name of an option of sbatch'),
      z.union([z.string().regex(/^[^\n'"`$\\]*$/), z.number()]),
    )
    .optional()
    .describe('Any other option of sbatch, by its long name.'),
};
const resourcesSchema = z.strictObject(resources);
export type TaskResources = z.infer<typeof resourcesSchema>;

export const launchSettingsSchema = z.strictObject({
  ...resources,
  stages: z
    .partialRecord(z.enum(TASK_KINDS), resourcesSchema)
    .default({})
    .describe('What tasks of one kind (extractor, heads, attacks, certificates) ask for instead.'),
  setup: z
    .array(z.string().regex(/^[^\n]*$/, 'expected one line'))
    .default([])
    .describe('Lines of shell before each task, e.g. "module load cuda".'),
  array_parallelism: count.optional().describe('Tasks of one array that run at once.'),
  shards: count
    .max(10_000)
    .default(4)
    .describe('Parts that the instances of an attack or certification are split into.'),
  tries: count.max(100).default(3).describe('Tries in a row that a task may make without getting any further.'),
  signal_delay_s: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(120)
    .describe('Seconds before the time limit at which a task saves what it has and queues again.'),
  save_every_min: z
    .number()
    .positive()
    .max(1440)
    .default(10)
    .describe('How often a task saves what it has, for when it is killed without a signal.'),
  poll_s: count.max(3600).default(30).describe('Seconds between two looks at the queue.'),
  max_submit: count.optional().describe("Tasks in Slurm at once; by default the cluster's own limits."),
  folder: z
    .string()
    .min(1)
    .optional()
    .describe('Where launches lie; every node must see it. By default beside the database.'),
  scratch: z.string().min(1).optional().describe('Local disk of a node; by default its TMPDIR.'),
  workers: count
    .max(1024)
    .optional()
    .describe('Local: tasks at once; by default one a GPU, else one for 8 processors.'),
  ssh: z
    .string()
    .regex(/^[A-Za-z0-9][^\s'"`$\\]*$/, "expected a host's name as ssh knows it, or user@host")
    .optional()
    .describe("Login node to send from, as the system's own ssh knows it; without it this machine sends."),
  command: z.string().min(1).default('ptw').describe('The command line of the workbench on the login node.'),
});
export type LaunchSettings = z.infer<typeof launchSettingsSchema>;
export type LaunchSettingsInput = z.input<typeof launchSettingsSchema>;

/** What tasks of a kind ask for. */
export function resourcesOf(settings: LaunchSettings, kind: TaskKind): TaskResources {
  const own = settings.stages[kind] ?? {};
  const shared = resourcesSchema.strip().parse(settings);
  return {
    ...shared,
    ...own,
    additional_parameters: { ...shared.additional_parameters, ...own.additional_parameters },
  };
}

/** How a task stands. A lost one ended without a word and is sent again; a blocked one waits for one that failed. */
export const TASK_STATES = ['unsent', 'waiting', 'running', 'done', 'lost', 'failed', 'blocked', 'cancelled'] as const;
export const taskStateSchema = z.enum(TASK_STATES);
export type TaskState = z.infer<typeof taskStateSchema>;

/** What a launch is told to do again. */
export const RESUME_VERBS = ['resume-unfinished', 'resume-failed', 'restart-failed'] as const;
export type ResumeVerb = (typeof RESUME_VERBS)[number];

export const taskStatusSchema = z.object({
  id: z.string(),
  title: z.string(),
  kind: z.enum(TASK_KINDS),
  /** Place of the study's grid. */
  cell: z.number().int(),
  state: taskStateSchema,
  /** Of all, and of those in a row that got no further. */
  attempts: z.number().int(),
  tries: z.number().int(),
  /** Epochs and instances that are safe. */
  committed: z.number().int(),
  /** Why it failed, waits or is blocked. */
  reason: z.string().nullable(),
  job: z.string().nullable(),
  node: z.string().nullable(),
});
export type TaskStatus = z.infer<typeof taskStatusSchema>;

export const launchStatusSchema = z.object({
  name: z.string(),
  study: z.string(),
  launcher: z.enum(LAUNCHERS),
  folder: z.string(),
  tasks: z.array(taskStatusSchema),
  counts: z.record(taskStateSchema, z.number().int()),
  /** Devices that done tasks ran on, with how many. */
  devices: z.array(z.object({ device: z.string(), tasks: z.number().int() })),
  /** What a person should know: mixed GPUs, a controller that does not answer, tasks held back for a limit. */
  notices: z.array(z.string()),
  /** ISO 8601; when the scheduler was asked. */
  at: z.string(),
});
export type LaunchStatus = z.infer<typeof launchStatusSchema>;

/** Nothing more will happen by itself. */
export const isSettled = ({ counts }: Pick<LaunchStatus, 'counts'>): boolean =>
  (['unsent', 'waiting', 'running', 'lost'] as const).every((state) => counts[state] === 0);
