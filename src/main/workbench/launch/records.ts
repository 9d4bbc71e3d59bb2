import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { publish, publishOnce } from './durableFile.ts';

/**
 * What tasks write into their launch's folder, each a small file of its own:
 *   starts/<task>              a line each time that a machine took it up, before its lines of setup
 *   attempts/<task>.<n>.json   an attempt began
 *   ends/<task>.<n>.json       it ended, and how; a killed one leaves none
 *   progress/<task>.json       what is safe of it so far, with the database progress/<task>.sqlite
 *   done/<task>.json           its shard is there; written once
 *   resets/<task>.json         its tries are counted anew from an attempt on
 */

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const attemptSchema = z.object({
  task: z.string(),
  attempt: z.number().int(),
  at: z.string(),
  host: z.string(),
  pid: z.number().int(),
  startToken: z.string(),
  /** As squeue names it; null for a process without a scheduler. */
  job: z.string().nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

const endSchema = z.object({
  attempt: z.number().int(),
  at: z.string(),
  /** `refused` is not tried again: trying makes it no better. */
  outcome: z.enum(['done', 'failed', 'refused', 'interrupted']),
  reason: z.string().nullable(),
  committed: z.number().int(),
});
export type End = z.infer<typeof endSchema>;

const progressSchema = z.object({
  attempt: z.number().int(),
  at: z.string(),
  committed: z.number().int(),
  /** Of the database beside it. */
  hash,
  /** Artefacts that it refers to. */
  artefacts: z.array(hash),
});
export type Progress = z.infer<typeof progressSchema>;

export const doneSchema = z.object({
  task: z.string(),
  attempt: z.number().int(),
  at: z.string(),
  shard: hash,
  bytes: z.number().int(),
  committed: z.number().int(),
  /** Of its own stages and of those that it read, by the stage's key. */
  weights: z.record(hash, hash),
  devices: z.array(z.string()),
  seconds: z.number(),
});
export type Done = z.infer<typeof doneSchema>;

const resetSchema = z.object({ from: z.number().int(), starts: z.number().int(), isRestart: z.boolean() });

/** All that is known of one task from the folder. */
export interface TaskRecords {
  /** In their order. */
  readonly attempts: readonly (Attempt & { readonly end: End | null })[];
  readonly progress: Progress | null;
  readonly done: Done | null;
  /** How often a machine took it up. */
  readonly starts: number;
  /** The first attempt that counts, and the starts before it. */
  readonly countedFrom: number;
  readonly startsBefore: number;
}

const FOLDERS = [
  'starts',
  'attempts',
  'ends',
  'progress',
  'done',
  'resets',
  'shards',
  'artefacts',
  'logs',
  'scripts',
] as const;
type RecordFolder = 'attempts' | 'ends' | 'progress' | 'done' | 'resets';

export function makeFolders(folder: string): void {
  for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
}

export const shardPath = (folder: string, shard: string): string => join(folder, 'shards', `${shard}.sqlite`);
export const progressDatabase = (folder: string, hashOf: string): string =>
  join(folder, 'progress', `${hashOf}.sqlite`);
export const startsPath = (folder: string, task: string): string => join(folder, 'starts', task);
export const logPath = (folder: string, task: string): string => join(folder, 'logs', `${task}.log`);
export const artefactsOf = (folder: string): string => join(folder, 'artefacts');

const path = (folder: string, kind: RecordFolder, name: string): string => join(folder, kind, `${name}.json`);
const text = (value: unknown): string => `${JSON.stringify(value)}\n`;

function read<T>(file: string, schema: z.ZodType<T>): T | null {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parsed(content, schema);
}

/** Null for a file that is being written where files cannot be linked. */
function parsed<T>(content: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(content));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Before anything of it runs: a task whose lines of setup fail makes no attempt, and has to be seen. */
export function recordStart(folder: string, task: string): void {
  appendFileSync(startsPath(folder, task), `${new Date().toISOString()}\n`);
}

/** Takes the next number; two processes that begin a task at once get two. */
export function recordAttempt(folder: string, attempt: Omit<Attempt, 'attempt'>): number {
  const own = readdirSync(join(folder, 'attempts')).filter((name) => name.startsWith(`${attempt.task}.`));
  for (let number = own.length + 1; ; number++) {
    const content = text({ ...attempt, attempt: number } satisfies Attempt);
    if (publishOnce(path(folder, 'attempts', `${attempt.task}.${number}`), content)) return number;
  }
}

export function recordEnd(folder: string, task: string, end: End): void {
  publish(path(folder, 'ends', `${task}.${end.attempt}`), text(end));
}

export function recordProgress(folder: string, task: string, progress: Progress): void {
  publish(path(folder, 'progress', task), text(progress));
}

/** @returns false where another process was faster: its shard is the task's */
export function recordDone(folder: string, done: Done): boolean {
  return publishOnce(path(folder, 'done', done.task), text(done));
}

/** Counts tries anew; a restart begins from nothing. */
export function recordReset(folder: string, task: string, reset: z.infer<typeof resetSchema>): void {
  if (reset.isRestart) rmSync(path(folder, 'progress', task), { force: true });
  publish(path(folder, 'resets', task), text(reset));
}

export const readDone = (folder: string, task: string): Done | null => read(path(folder, 'done', task), doneSchema);
export const readProgress = (folder: string, task: string): Progress | null =>
  read(path(folder, 'progress', task), progressSchema);

export function readRecords(folder: string, task: string): TaskRecords {
  return recordsOf(folder, [task]).get(task)!;
}

/** Of all tasks, with one look into each folder. */
export function recordsOf(folder: string, tasks: readonly string[]): Map<string, TaskRecords> {
  const attempts = numbered(folder, 'attempts');
  const ends = numbered(folder, 'ends');
  const have = (kind: RecordFolder): Set<string> =>
    new Set(existsSync(join(folder, kind)) ? readdirSync(join(folder, kind)) : []);
  const starts = new Set(existsSync(join(folder, 'starts')) ? readdirSync(join(folder, 'starts')) : []);
  const [progress, done, resets] = (['progress', 'done', 'resets'] as const).map(have);
  const ifThere = <T>(names: Set<string>, kind: RecordFolder, task: string, schema: z.ZodType<T>): T | null =>
    names.has(`${task}.json`) ? read(path(folder, kind, task), schema) : null;
  return new Map(
    tasks.map((task) => [
      task,
      {
        attempts: (attempts.get(task) ?? []).flatMap((number) => {
          const attempt = read(path(folder, 'attempts', `${task}.${number}`), attemptSchema);
          if (attempt === null) return [];
          const end = (ends.get(task) ?? []).includes(number)
            ? read(path(folder, 'ends', `${task}.${number}`), endSchema)
            : null;
          return [{ ...attempt, end }];
        }),
        progress: ifThere(progress, 'progress', task, progressSchema),
        done: ifThere(done, 'done', task, doneSchema),
        starts: starts.has(task) ? linesIn(startsPath(folder, task)) : 0,
        countedFrom: ifThere(resets, 'resets', task, resetSchema)?.from ?? 1,
        startsBefore: ifThere(resets, 'resets', task, resetSchema)?.starts ?? 0,
      },
    ]),
  );
}

const linesIn = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1;

function numbered(folder: string, kind: 'attempts' | 'ends'): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const name of readdirSync(join(folder, kind))) {
    const match = /^([a-zA-Z0-9-]+)\.(\d+)\.json$/.exec(name);
    if (match === null) continue;
    const numbers = found.get(match[1]) ?? [];
    numbers.push(Number(match[2]));
    found.set(
      match[1],
      numbers.sort((a, b) => a - b),
    );
  }
  return found;
}

/**
 * Tries in a row, up to the last, that ended and got no further than the ones before them; being taken up and not coming to an attempt is one.
 * @param isOver whether the last attempt, if it left no end, is over
 */
export function triesUsed(records: TaskRecords, isOver: boolean): number {
  const { attempts, starts, countedFrom, startsBefore } = records;
  const counted = attempts.filter(({ attempt }) => attempt >= countedFrom).length;
  // One that is taken up and still alive may be on its way to its attempt.
  const without = Math.max(0, starts - startsBefore - counted - (isOver ? 0 : 1));
  return attemptsInVain(records, isOver) + without;
}

function attemptsInVain({ attempts, progress, countedFrom }: TaskRecords, isOver: boolean): number {
  let most = 0;
  let tries = 0;
  for (const [i, { attempt, end }] of attempts.entries()) {
    const safe = Math.max(end?.committed ?? 0, progress?.attempt === attempt ? progress.committed : 0);
    const isLast = i === attempts.length - 1;
    if (safe > most) tries = 0;
    else if (end !== null || !isLast || isOver) tries++;
    most = Math.max(most, safe);
    if (attempt < countedFrom) tries = 0;
  }
  return tries;
}
