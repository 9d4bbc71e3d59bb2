// `npm start`: the desktop application where Electron can be had, else the same workbench in the browser.
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildRenderer } from './build-renderer.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const requirePackage = createRequire(import.meta.url);
/** A download that has not begun to arrive by then is taken for none. */
const DOWNLOAD_MS = 10 * 60_000;

/** The path of Electron's binary, downloaded if need be; null with the reason said. */
function electron(): string | null {
  const folder = path.dirname(requirePackage.resolve('electron/package.json'));
  // What it prints when it fails is a stack of its own.
  const install = spawnSync(process.execPath, [path.join(folder, 'install.js')], {
    encoding: 'utf8',
    timeout: DOWNLOAD_MS,
  });
  if (install.status === 0) return requirePackage('electron') as string;
  const why = install.error?.message ?? install.stderr.trim().split('\n').at(0) ?? 'for no reason given';
  console.error(`Electron cannot be had here (${why}); the same workbench opens in the browser instead.`);
  return null;
}

function run(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  // Ctrl-C reaches the child by itself, which ends in order; this process waits for it.
  process.on('SIGINT', () => undefined);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const binary = electron();
if (binary === null) {
  await buildRenderer();
  process.exitCode = await run(process.execPath, [
    path.join(ROOT, 'bin', 'ptw.mjs'),
    'serve',
    '--open',
    ...process.argv.slice(2),
  ]);
} else {
  const vite = path.join(path.dirname(requirePackage.resolve('electron-vite/package.json')), 'bin', 'electron-vite.js');
  const built = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: ROOT, stdio: 'inherit' });
  process.exitCode = built.status === 0 ? await run(binary, [ROOT]) : 1;
}
