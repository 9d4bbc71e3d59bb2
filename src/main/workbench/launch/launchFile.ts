import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DOMAINS } from '../../../shared/config.ts';
import { LAUNCHERS, launchSettingsSchema, TASK_KINDS } from '../../../shared/launch.ts';
import { STAGE_KINDS } from '../../store/tables/stage.ts';
import { BadInput } from '../errors.ts';
import { publish } from './durableFile.ts';

/** What a launch is, written once when it is made: all that a task needs to know but the data. */

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const taskSchema = z.object({
  id: z.string().regex(/^[a-zA-Z0-9-]+$/),
  kind: z.enum(TASK_KINDS),
  cell: z.number().int(),
  title: z.string(),
  part: z.object({ index: z.number().int(), of: z.number().int() }),
  stages: z.array(hash),
  inputs: z.array(hash),
  needs: z.array(z.string()),
});

const stageSchema = z.object({
  key: hash,
  kind: z.enum(STAGE_KINDS),
  domain: z.enum(DOMAINS).nullable(),
  head: z.string().nullable(),
  headIndex: z.number().int().nullable(),
  inputs: z.record(z.string(), z.unknown()),
});

export const launchFileSchema = z.object({
  format: z.literal(1),
  name: z.string().regex(/^[a-zA-Z0-9-]+$/),
  launcher: z.enum(LAUNCHERS),
  createdAt: z.string(),
  /** The study as it was given, by which it is known again. */
  document: z.unknown(),
  settings: launchSettingsSchema,
  cells: z.array(
    z.object({
      position: z.number().int(),
      name: z.string(),
      config: z.unknown(),
      /** All of its run, in their order, whether they are computed here or not. */
      stages: z.array(stageSchema),
    }),
  ),
  tasks: z.array(taskSchema),
  /** Weights that were there already, by the key of their stage. */
  given: z.record(hash, hash),
  /** What a task is started with: Node and the command line of the workbench. */
  program: z.array(z.string()).min(1),
});
export type LaunchFile = z.infer<typeof launchFileSchema>;

export const LAUNCH_FILE = 'launch.json';

export function writeLaunchFile(folder: string, launch: LaunchFile): void {
  publish(join(folder, LAUNCH_FILE), `${JSON.stringify(launch, null, 1)}\n`);
}

/** @throws BadInput where the folder holds no launch, or one of another version */
export function readLaunchFile(folder: string): LaunchFile {
  const file = join(folder, LAUNCH_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BadInput(`${folder} holds no launch: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = launchFileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new BadInput(
    `${file} is of another version of the workbench: ${z.prettifyError(parsed.error)}; use the version that wrote it`,
  );
}
