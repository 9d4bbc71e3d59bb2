import type { studiesCalls } from '../../../shared/api/studies.ts';
import { loadStudy, parseStudy, studyPresetNames } from '../studies/loadStudy.ts';
import { planStudy } from '../studies/planStudy.ts';
import { listStudies } from '../studies/storedStudy.ts';
import { studyReport } from '../studies/studyReport.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const studiesHandlers = ({ store }: ApiContext): Handlers<typeof studiesCalls> => ({
  'studies.list': () => listStudies(store),
  'studies.presets': () =>
    studyPresetNames().map((preset) => {
      const { study, document } = loadStudy(preset);
      return { preset, name: study.name, scale: study.scale, document };
    }),
  'studies.plan': ({ study }) => planStudy(store, parseStudy(study, 'the study')),
  'studies.get': ({ study }) => studyReport(store, study),
});
