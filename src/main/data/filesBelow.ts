import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Every plain file below a folder, by its path. Symbolic links are not followed: they may lead out, or in circles. */
export function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(at);
    else if (entry.isFile()) yield at;
  }
}

/** Of all plain files below a folder together; 0 where it does not exist. */
export function bytesBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  return [...filesBelow(folder)].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
