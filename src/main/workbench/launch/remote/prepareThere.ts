import { join } from 'node:path';
import type { Store } from '../../../store/store.ts';
import { artefactPath } from '../../../store/artefactFiles.ts';
import { finishedStage } from '../createLaunch.ts';
import { registerLaunch, type LaunchPlace } from '../launchInStore.ts';
import { launchesOf, type Prepared, type StudyToSend } from '../prepareHere.ts';
import { remoteHandle } from './remoteHandle.ts';
import { planAnswerSchema, type PlanAnswer, type PlanRequest } from './request.ts';
import { Ssh } from './ssh.ts';

/**
 * Plans a launch on a login node, with its data and its program. What this machine has computed already is not computed again there; of
 * its weights those are brought over that tasks read.
 */
export async function prepareThere(store: Store, study: StudyToSend & { readonly host: string }): Promise<Prepared> {
  const { launcher, loaded, settings, host } = study;
  const ssh = new Ssh(host, settings.command);
  const ask = async (verb: 'plan' | 'create', change: Pick<PlanRequest, 'known' | 'name'>): Promise<PlanAnswer> => {
    const request: PlanRequest = { launcher, document: loaded.document, settings, ...change };
    return planAnswerSchema.parse(await ssh.workbench(['launch', verb], JSON.stringify(request)));
  };
  const blind = await ask('plan', { known: {}, name: null });
  const known = knownHere(store, blind);
  const plan = Object.keys(known).length === 0 ? blind : await ask('plan', { known, name: blind.launch.name });
  const { name } = plan.launch;
  return {
    name,
    folder: `${host}:${plan.folder}`,
    tasks: plan.launch.tasks.length,
    scripts: plan.scripts,
    async send() {
      const made = await ask('create', { known, name });
      const path = (hash: string): string => artefactPath('', hash);
      await ssh.upload(made.wanted.map(path), join(store.folder, 'artefacts'), `${made.folder}/artefacts`);
      const place: LaunchPlace & { ssh: string } = {
        folder: made.folder,
        launcher,
        ssh: host,
        command: settings.command,
      };
      registerLaunch(store, made.launch, place);
      const handle = remoteHandle(place, join(launchesOf(store.folder), name));
      return { handle, status: await handle.advance() };
    },
  };
}

/** Stages of the launch that this machine has, with their weights. */
function knownHere(store: Store, { launch }: PlanAnswer): Record<string, string | null> {
  const keys = new Set(launch.cells.flatMap(({ stages }) => stages.map(({ key }) => key)));
  return Object.fromEntries(
    [...keys].flatMap((key) => {
      const finished = finishedStage(store, key);
      return finished === null ? [] : [[key, finished.weights] as const];
    }),
  );
}
