// Which npm packages reach a user: those that run, and those that are built into the pages or carry the desktop application.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Development dependencies of which something ends in what is built. */
export const BUILT_IN = [
  '@lucide/vue',
  '@tanstack/vue-virtual',
  'electron',
  'pinia',
  'reka-ui',
  'uplot',
  'vue',
  'vue-router',
] as const;

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX, as its package.json has it. */
  readonly licence: string;
  /** Runs as a package of its own; else it is built into the pages or the desktop application. */
  readonly isRuntime: boolean;
}

export function shippedPackages(): ShippedPackage[] {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const { packages } = lock;
  const builtIn = closure(packages, BUILT_IN);
  return Object.entries(packages)
    .filter(([at]) => at !== '')
    .flatMap(([at, locked]): ShippedPackage[] => {
      const isRuntime = locked.dev !== true;
      if (!isRuntime && !builtIn.has(at)) return [];
      const name = at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return [{ name, version: locked.version, licence: locked.license ?? 'none stated', isRuntime }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** Places in the lock file of packages and of all that they depend on. Electron's own are those of its downloader: none is shipped. */
function closure(packages: Readonly<Record<string, Locked>>, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (name: string, from: string): void => {
    const at = resolve(packages, name, from);
    if (at === null || found.has(at)) return;
    found.add(at);
    if (name === 'electron') return;
    for (const next of Object.keys(packages[at].dependencies ?? {})) visit(next, at);
  };
  for (const name of names) visit(name, '');
  return found;
}

/** As Node looks for it: beside, then in each folder above. */
function resolve(packages: Readonly<Record<string, Locked>>, name: string, from: string): string | null {
  for (let folder = from; ;) {
    const at = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (at in packages) return at;
    if (folder === '') return null;
    const above = folder.lastIndexOf('/node_modules/');
    folder = above === -1 ? '' : folder.slice(0, above);
  }
}
