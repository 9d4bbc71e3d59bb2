import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startEngines, type Engines } from '../../../src/main/engine/process/engines.ts';
import { launchSettingsSchema, type LaunchSettingsInput } from '../../../src/shared/launch.ts';
import { NOTHING_KNOWN, planLaunch, writeLaunch, type Known } from '../../../src/main/workbench/launch/createLaunch.ts';
import type { LaunchFile } from '../../../src/main/workbench/launch/launchFile.ts';
import type { LoadedStudy } from '../../../src/main/workbench/studies/loadStudy.ts';
import { TINY_STUDY, tinyStudy } from '../studies/tinyStudy.ts';

/** A folder that goes with the test. */
export function passingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ptw-launch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** One run with everything that is done to instances, on a few of them. */
export const CERTIFIED_STUDY = {
  base: {
    ...TINY_STUDY.base,
    instances: 16,
    noiseAttack: { draws: 8, instances: 10 },
    pgd: { steps: 3, instances: 6 },
    adversarialSearch: { enabled: true, steps: 3, instances: 5 },
    certification: { draws: 60, selectionDraws: 20 },
  },
  procedures: ['normal'],
};

export function planned(
  change: Readonly<Record<string, unknown>> = {},
  settings: LaunchSettingsInput = {},
  known: Known = NOTHING_KNOWN,
): LaunchFile {
  return planLaunch({
    launcher: 'local',
    loaded: tinyStudy(change),
    settings: launchSettingsSchema.parse(settings),
    known,
  });
}

/** A launch in a folder of its own. */
export function written(
  loaded: LoadedStudy,
  settings: LaunchSettingsInput = {},
  known: Known = NOTHING_KNOWN,
  parent = passingFolder(),
): { launch: LaunchFile; folder: string } {
  const parsed = launchSettingsSchema.parse(settings);
  const launch = planLaunch({ launcher: 'local', loaded, settings: parsed, known });
  return { launch, folder: writeLaunch(launch, { known, parent, settings: parsed }) };
}

/** Engines that several tasks use in turn: they are closed by whoever started them. */
export async function lentEngines(): Promise<{ lend: () => Promise<Engines>; close: () => Promise<void> }> {
  const engines = await startEngines({ ...process.env, PTW_ENGINES: '1' });
  const lent: Engines = {
    backend: engines.backend,
    undividedSideBySide: engines.undividedSideBySide,
    pids: () => engines.pids(),
    restart: (how) => engines.restart(how),
    run: (jobs, onEvent, signal) => engines.run(jobs, onEvent, signal),
    close: () => Promise.resolve(),
  };
  return { lend: () => Promise.resolve(lent), close: () => engines.close() };
}
