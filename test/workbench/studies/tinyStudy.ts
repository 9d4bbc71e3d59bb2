import type { StudyHost } from '../../../src/main/workbench/studies/runStudy.ts';
import { parseStudy, type LoadedStudy } from '../../../src/main/workbench/studies/loadStudy.ts';
import { TINY, quietHost } from '../tinyExperiment.ts';

const { name: _name, seed: _seed, source, target, heads, training, ...base } = TINY;
const settings = { learningRate: 1e-3, maxEpochs: 1, batchSize: 32 };

/** Two runs of a few seconds: nothing is attacked or certified. */
export const TINY_STUDY = {
  name: 'tiny study',
  scale: 'a test',
  base: {
    ...base,
    source: { trainingInstances: 100 },
    target: { trainingInstances: 100 },
    training: { source: settings, heads: settings },
    noiseAttack: { enabled: false },
    pgd: { enabled: false },
    adversarialSearch: { enabled: false },
    certification: { enabled: false },
  },
  transfers: [{ source: { dataset: source.dataset }, target: { dataset: target.dataset } }],
  procedures: ['normal', 'noise'],
  heads,
  seeds: [3],
};

export type StudyDocument = typeof TINY_STUDY;

/** The tiny study with other keys. */
export function tinyStudy(change: Readonly<Record<string, unknown>> = {}): LoadedStudy {
  return parseStudy({ ...TINY_STUDY, ...change }, 'the tiny study');
}

export function quietStudyHost(change: Partial<StudyHost> = {}): StudyHost {
  const nothing = (): void => undefined;
  return { ...quietHost(), began: nothing, entered: nothing, failed: nothing, ...change };
}
