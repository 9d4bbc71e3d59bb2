import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { _electron } from 'playwright-core';
import { expect, it } from 'vitest';
import { emptyFolder } from '../workbench/tinyExperiment.ts';

/**
 * The desktop application itself, where Electron's binary is: run by `npm run test:electron` after `npm run build:app`. Elsewhere it is skipped,
 * and says so where nobody overlooks it.
 */
const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));
const named = path.join(folder, 'path.txt');
const binary = existsSync(named) ? path.join(folder, 'dist', readFileSync(named, 'utf8')) : null;
const isThere = binary !== null && existsSync(binary);
if (!isThere) {
  process.stderr.write(
    "\n*** SKIPPED: Electron's binary is not here, so the desktop application was NOT tested. ***\n\n",
  );
}

it.skipIf(!isThere)(
  'opens one window over the workbench, without Node in its pages',
  async () => {
    const root = path.resolve(import.meta.dirname, '..', '..');
    const application = await _electron.launch({
      executablePath: binary!,
      args: [root],
      env: { ...(process.env as Record<string, string>), PTW_HOME: emptyFolder() },
    });
    try {
      const page = await application.firstWindow();
      await page.getByRole('navigation', { name: 'Places' }).waitFor();
      expect(new URL(page.url()).protocol).toBe('app:');
      expect(await page.evaluate('typeof process + typeof require + typeof window.workbench')).toBe(
        'undefinedundefinedobject',
      );
      await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
      expect(application.windows()).toHaveLength(1);
    } finally {
      await application.close();
    }
  },
  60_000,
);
