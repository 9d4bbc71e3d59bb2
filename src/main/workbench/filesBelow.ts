import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Every plain file below a folder, by its path. Symbolic links are not followed: they may lead out, or in circles. */
export function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(at);
    else if (entry.isFile()) yield at;
  }
}
