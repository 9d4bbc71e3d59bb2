import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './command.ts';
import type { Variant } from './wheels.ts';
import { TENSORFLOW_VERSION } from './wheels.ts';
import { homeFolder } from '../../data/homeFolder.ts';

/** Name of the file that an installation ends with: a folder without it is not an installation. */
export const MARKER_NAME = 'complete.json';

/** What the marker says. Free of dates and paths, so that the same inputs give the same bytes. */
export interface InstallMarker {
  readonly version: string;
  readonly variant: Variant;
  readonly wheels: readonly { readonly file: string; readonly sha256: string }[];
  /** First line of what the compiler says of itself. */
  readonly compiler: string;
}

/** Where a file of a packed application lies for those that know no archive: the compiler and the system's linker. */
export const unpacked = (file: string): string => file.replace(/app\.asar(?=[\\/])/, 'app.asar.unpacked');

/** Our own addon beside the binding. */
export const LOG_LEVEL_SOURCE = unpacked(fileURLToPath(new URL('log_level.cc', import.meta.url)));

/** Where the binding's sources and the N-API headers are. */
export interface BindingSources {
  /** Folder of @tensorflow/tfjs-node-gpu. */
  readonly package: string;
  /** Folder of the node-api-headers' include files. */
  readonly napiHeaders: string;
}

/** The per-user cache: PTW_CACHE_DIR, else the platform's own place with the program's name below it. */
export function cacheRoot(env: Environment = process.env, platform: string = process.platform): string {
  const chosen = env['PTW_CACHE_DIR'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  return path.join(userCache(env, platform), 'provable-transfer-workbench');
}

function userCache(env: Environment, platform: string): string {
  const home = env['HOME'] ?? homeFolder('PTW_CACHE_DIR');
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches');
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local');
  const xdg = env['XDG_CACHE_HOME'];
  // The XDG specification asks that relative paths be ignored.
  return xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.cache');
}

/** The installed packages that the binding is made from; null where the optional one was left out. */
export function findBindingSources(): BindingSources | null {
  const requirePackage = createRequire(import.meta.url);
  try {
    const folderOf = (name: string): string => unpacked(path.dirname(requirePackage.resolve(`${name}/package.json`)));
    return {
      package: folderOf('@tensorflow/tfjs-node-gpu'),
      napiHeaders: path.join(folderOf('node-api-headers'), 'include'),
    };
  } catch {
    return null;
  }
}

/** Twelve hex digits over the names and contents of the binding's sources, of the N-API headers and of our addon. */
export function bindingHash(sources: BindingSources): string {
  const hash = createHash('sha256');
  for (const folder of [path.join(sources.package, 'binding'), sources.napiHeaders]) {
    for (const name of readdirSync(folder).sort()) {
      hash
        .update(`${name}\0`)
        .update(readFileSync(path.join(folder, name)))
        .update('\0');
    }
  }
  hash.update(readFileSync(LOG_LEVEL_SOURCE));
  return hash.digest('hex').slice(0, 12);
}

/** The folder of one installation. */
export function installFolder(root: string, variant: Variant, sources: BindingSources): string {
  return path.join(root, 'tensorflow', `${TENSORFLOW_VERSION}-${variant}-${bindingHash(sources)}`);
}

/** The marker of a complete installation, or null: none there, or one that an interrupted deletion left behind. */
export function readMarker(folder: string): InstallMarker | null {
  try {
    const marker = JSON.parse(readFileSync(path.join(folder, MARKER_NAME), 'utf8')) as InstallMarker;
    return existsSync(bindingPath(folder)) ? marker : null;
  } catch {
    return null;
  }
}

/** The compiled addon inside an installation. */
export function bindingPath(folder: string): string {
  return path.join(folder, 'binding', 'tfjs_binding.node');
}

/** The compiled addon that sets the log level, inside an installation. */
export function logLevelPath(folder: string): string {
  return path.join(folder, 'binding', 'log_level.node');
}
