import type { launchesCalls } from '../../../shared/api/launches.ts';
import { placeOf } from '../launch/findHandle.ts';
import { parseSettings } from '../launch/loadSettings.ts';
import { prepare } from '../launch/prepare.ts';
import { parseStudy } from '../studies/loadStudy.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export function launchesHandlers({ store, launches, emit }: ApiContext): Handlers<typeof launchesCalls> {
  const prepared = (of: { study?: unknown; settings?: unknown; launcher: 'slurm' | 'local' }) =>
    prepare(store, {
      launcher: of.launcher,
      loaded: parseStudy(of.study, 'the study'),
      settings: parseSettings(of.settings, 'the launch settings'),
    });
  return {
    'launches.list': () =>
      store.launches.list().map(({ id, name, studyId, createdAt, place }) => {
        const { launcher, ssh, folder } = placeOf(place);
        return { id, name, study: studyId, createdAt, launcher, ssh, folder };
      }),
    'launches.preview': async (input) => {
      const { folder, tasks, scripts } = await prepared(input);
      return { folder, tasks, scripts: scripts.map((one) => ({ ...one, after: [...one.after] })) };
    },
    'launches.send': async (input) => {
      const { status } = await (await prepared(input)).send();
      const { id, studyId } = store.launches.findByName(status.name)!;
      launches.saw(id, status);
      for (const { runId } of store.studies.runs(studyId)) emit({ kind: 'run-changed', run: runId });
      return { launch: id, study: studyId };
    },
    'launches.status': ({ launch }) => launches.status(launch),
    'launches.resume': async ({ launch, verb }) => launches.saw(launch, await launches.handle(launch).resume(verb)),
    'launches.cancel': async ({ launch, tasks }) => launches.saw(launch, await launches.handle(launch).cancel(tasks)),
    'launches.log': async ({ launch, task, lines }) => ({ text: await launches.handle(launch).log(task, lines) }),
  };
}
