import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadInput } from '../errors.ts';

const CLI = 'src/main/hosts/cli/main.ts';

/** The folder that the program's sources lie in, whether this is one of them or was bundled from them; null in a packed application. */
export function programRoot(): string | null {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(join(folder, CLI))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/**
 * Node and the command line, as tasks are started.
 * @throws BadInput in a packed application, which brings neither along
 */
export function program(): string[] {
  const root = programRoot();
  // In Electron the running program is Electron itself; the sources bring a Node along.
  const node = 'electron' in process.versions ? join(root ?? '', 'node_modules/node/bin/node') : process.execPath;
  if (root === null || !existsSync(node)) {
    throw new BadInput(
      'this packed application has no command line to start tasks with; send over ssh from a machine that has ("ssh" in the launch ' +
        'settings), or install the workbench from its sources and use ptw study … --on',
    );
  }
  return [node, join(root, CLI)];
}
