import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publish } from './durableFile.ts';

/**
 * Of lost tasks, those that are seen so for less than a while: over a network disk the word that a task left before it ended may be seen
 * later than its end.
 * @param milliseconds the while
 */
export function lostLately(folder: string, lost: readonly string[], milliseconds: number): Set<string> {
  const file = join(folder, 'lost.json');
  const before = readSince(file);
  const now = Date.now();
  const since = Object.fromEntries(lost.map((task) => [task, before[task] ?? now]));
  if (JSON.stringify(since) !== JSON.stringify(before)) publish(file, JSON.stringify(since));
  return new Set(lost.filter((task) => now - since[task] < milliseconds));
}

function readSince(file: string): Partial<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<string, number>>;
  } catch {
    return {};
  }
}
