import { join } from 'node:path';
import type { LaunchStatus } from '../../../shared/launch.ts';
import type { Store } from '../../store/store.ts';
import { knownIn, planLaunch, writeLaunch, type LaunchRequest } from './createLaunch.ts';
import { directHandle, type LaunchHandle } from './handle.ts';
import { registerLaunch } from './launchInStore.ts';
import { previewScripts, type ScriptPreview } from './preview.ts';

export type StudyToSend = Pick<LaunchRequest, 'launcher' | 'loaded' | 'settings'>;

/** A launch that was planned and not sent yet. */
export interface Prepared {
  readonly name: string;
  readonly folder: string;
  /** How many. */
  readonly tasks: number;
  /** On Slurm: what would be sent. */
  readonly scripts: readonly ScriptPreview[];
  /** Sends it. What the store has already is not computed again. */
  send(): Promise<{ readonly handle: LaunchHandle; readonly status: LaunchStatus }>;
}

export const launchesOf = (home: string): string => join(home, 'launches');

/** Plans a launch from this machine; nothing is written before it is sent. @throws BadInput as planLaunch */
export function prepareHere(store: Store, study: StudyToSend): Prepared {
  const known = knownIn(store);
  const launch = planLaunch({ ...study, known });
  const parent = launchesOf(store.folder);
  const folder = join(study.settings.folder ?? parent, launch.name);
  return {
    name: launch.name,
    folder,
    tasks: launch.tasks.length,
    scripts: study.launcher === 'slurm' ? previewScripts(launch, folder) : [],
    async send() {
      writeLaunch(launch, { known, parent, settings: study.settings });
      const handle = directHandle(folder);
      registerLaunch(store, launch, handle.place);
      return { handle, status: await handle.advance() };
    },
  };
}
