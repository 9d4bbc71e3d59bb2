import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Builds the renderer's pages where they are not those of the sources that are here. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src/renderer', 'src/shared', 'vite.config.ts', 'package-lock.json'];
const OUT = path.join(ROOT, 'dist', 'renderer');
const STAMP = path.join(OUT, '.sources');
const LOCK = path.join(ROOT, 'dist', '.building');
/** A builder that was killed leaves its lock behind. */
const LOCK_DIES_AFTER_MS = 120_000;

function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const place = path.join(ROOT, source);
    const files = statSync(place).isDirectory()
      ? readdirSync(place, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => path.join(entry.parentPath, entry.name))
          .sort()
      : [place];
    for (const file of files) hash.update(path.relative(ROOT, file)).update('\0').update(readFileSync(file));
  }
  return hash.digest('hex');
}

const isBuilt = (hash: string): boolean => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash;

/** Several processes may ask at once; one builds and the others wait for it. @returns whether anything had to be built */
export async function buildRenderer(): Promise<boolean> {
  const hash = hashOfSources();
  while (!isBuilt(hash)) {
    if (!takeLock()) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    try {
      buildForProduction();
      writeFileSync(STAMP, hash);
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
    return true;
  }
  return false;
}

/** In a process of its own: what NODE_ENV says here, as under tests, would make it a build for development. */
function buildForProduction(): void {
  const vite = path.join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  execFileSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'inherit',
  });
}

function takeLock(): boolean {
  mkdirSync(path.dirname(LOCK), { recursive: true });
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    if (existsSync(LOCK) && Date.now() - statSync(LOCK).mtimeMs > LOCK_DIES_AFTER_MS)
      rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    (await buildRenderer()) ? 'The pages are built: dist/renderer' : 'The pages are built already: dist/renderer',
  );
}
