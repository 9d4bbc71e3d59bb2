import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * What launchers did, a line each, appended and on the disk before it is done and after. A launcher that dies between the two leaves a
 * submission of which nobody knows whether it was made; its name tells.
 */
const entrySchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('sending'), name: z.string(), tasks: z.array(z.string()), at: z.string() }),
  z.object({ event: z.literal('sent'), name: z.string(), job: z.string(), at: z.string() }),
  z.object({ event: z.literal('refused'), name: z.string(), reason: z.string(), at: z.string() }),
  z.object({ event: z.literal('cancelled'), tasks: z.array(z.string()), at: z.string() }),
  z.object({ event: z.literal('resumed'), tasks: z.array(z.string()), at: z.string() }),
]);
export type JournalEntry = z.infer<typeof entrySchema>;
type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;

const fileOf = (folder: string): string => join(folder, 'journal.jsonl');

export function note(folder: string, entry: WithoutTime<JournalEntry>): void {
  const descriptor = openSync(fileOf(folder), 'a');
  try {
    // A line that a crash cut off keeps its own line.
    writeSync(descriptor, `\n${JSON.stringify({ ...entry, at: new Date().toISOString() })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A last line that a crash cut off is left out. */
export function readJournal(folder: string): JournalEntry[] {
  let text: string;
  try {
    text = readFileSync(fileOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [entrySchema.parse(JSON.parse(line))];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}

/** A submission: tasks by their index in an array. */
export interface Submission {
  readonly name: string;
  readonly tasks: readonly string[];
  /** Null where its launcher died before it knew. */
  readonly job: string | null;
}

/** In their order; refused ones are left out. */
export function submissionsIn(journal: readonly JournalEntry[]): Submission[] {
  const found = new Map<string, Submission>();
  for (const entry of journal) {
    if (entry.event === 'sending') found.set(entry.name, { name: entry.name, tasks: entry.tasks, job: null });
    if (entry.event === 'sent') found.set(entry.name, { ...found.get(entry.name)!, job: entry.job });
    if (entry.event === 'refused') found.delete(entry.name);
  }
  return [...found.values()];
}

/** Tasks that were cancelled and not sent for again. */
export function cancelledIn(journal: readonly JournalEntry[]): Set<string> {
  const cancelled = new Set<string>();
  for (const entry of journal) {
    if (entry.event === 'cancelled') for (const task of entry.tasks) cancelled.add(task);
    if (entry.event === 'resumed') for (const task of entry.tasks) cancelled.delete(task);
  }
  return cancelled;
}
