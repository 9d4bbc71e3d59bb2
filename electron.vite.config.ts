import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'electron-vite';
import renderer from './vite.config.ts';

/**
 * The desktop application. The main process keeps its modules one by one, in the folders of the sources, so that addresses relative to
 * a module (resources, the engine's entry) are right in both.
 */

const ROOT = import.meta.dirname;
/** Processes and threads that are started by their file. */
const ENTRIES = [
  'src/main/hosts/electron/main.ts',
  'src/main/engine/process/main.ts',
  'src/main/engine/process/utilityEntry.ts',
  'src/main/engine/smoothing/certifierThread.ts',
  'src/main/workbench/engineSetup/inspectProcess.ts',
  'src/main/workbench/engineSetup/setupProcess.ts',
  'src/main/workbench/engineSetup/loadProcess.ts',
];
const OWN_FILE = /new URL\(\s*'((?:\.\/|\.\.\/)?[\w./-]+)',\s*import\.meta\.url,?\s*\)/g;

/** Modules are .js once built; other files that they name beside themselves are copied to where they look for them. */
const filesBesideModules = {
  name: 'files-beside-modules',
  enforce: 'pre' as const,
  transform(code: string, id: string): { code: string; map: null } | null {
    if (!id.startsWith(path.join(ROOT, 'src'))) return null;
    const changed = code.replaceAll(OWN_FILE, (whole: string, name: string) => {
      const file = path.resolve(path.dirname(id), name);
      if (file.endsWith('.ts')) return whole.replace('.ts', '.js');
      if (file.startsWith(path.join(ROOT, 'src')) && existsSync(file) && path.extname(file) !== '') {
        const copy = path.join(ROOT, 'dist', path.relative(path.join(ROOT, 'src'), file));
        mkdirSync(path.dirname(copy), { recursive: true });
        copyFileSync(file, copy);
      }
      return whole;
    });
    return changed === code ? null : { code: changed, map: null };
  },
};

export default defineConfig({
  main: {
    plugins: [filesBesideModules],
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      externalizeDeps: { include: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-backend-webgpu', 'webgpu'] },
      minify: false,
      rolldownOptions: {
        input: ENTRIES.map((file) => path.join(ROOT, file)),
        output: {
          format: 'es',
          preserveModules: true,
          preserveModulesRoot: path.join(ROOT, 'src'),
          entryFileNames: '[name].js',
        },
      },
    },
  },
  preload: {
    build: {
      outDir: 'dist/preload',
      rolldownOptions: {
        input: path.join(ROOT, 'src/preload/preload.ts'),
        output: { format: 'cjs', entryFileNames: 'preload.cjs' },
      },
    },
  },
  renderer: {
    ...renderer,
    build: {
      ...renderer.build,
      outDir: path.join(ROOT, 'dist/renderer'),
      rolldownOptions: { input: path.join(ROOT, 'src/renderer/index.html') },
    },
  },
});
