import { statSync } from 'node:fs';
import path from 'node:path';
import type { engineCalls } from '../../../shared/api/engine.ts';
import { bytesBelow } from '../../data/filesBelow.ts';
import { DATABASE_NAME } from '../../store/store.ts';
import { inspectElsewhere } from '../engineSetup/inspectElsewhere.ts';
import { installEngine } from '../engineSetup/installEngine.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const engineHandlers = ({ folder, store, tasks }: ApiContext): Handlers<typeof engineCalls> => ({
  'engine.inspect': async () => {
    const { serving, engines, versions, processor, cache, keptDraws } = await inspectElsewhere();
    const { name, devices, threads, simd, notChosen } = serving;
    return {
      backend: name,
      devices: [...devices],
      threads,
      simd: [...simd],
      engines,
      notChosen: notChosen.map(({ backend, reason, cure }) => ({ backend, reason, cure })),
      versions,
      processor: { ...processor, vectorSets: [...processor.vectorSets] },
      cache,
      keptDraws,
    };
  },
  'engine.install': ({ task }) =>
    tasks.run(task, async (reporter, signal) => ({ output: await installEngine(reporter, signal) })),
  'engine.storage': () => ({
    folder,
    databaseBytes: statSync(path.join(folder, DATABASE_NAME)).size,
    artefactBytes: bytesBelow(path.join(folder, 'artefacts')),
    runs: store.runList.count({ search: '', statuses: [], tags: [], archived: 'too', conditions: [] }),
  }),
});
