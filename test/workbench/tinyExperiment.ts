import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExperimentConfig, ExperimentConfigInput } from '../../src/shared/config.ts';
import { checkConfig } from '../../src/main/workbench/checkConfig.ts';
import { parseConfig } from '../../src/main/workbench/loadConfig.ts';
import type { RunReporter } from '../../src/main/workbench/runInProgress.ts';
import type { RunHost } from '../../src/main/workbench/workbench.ts';

/** The whole job on real images, small enough for a test: seconds. */
export const TINY = {
  name: 'tiny',
  seed: 3,
  source: { dataset: 'fashion-mnist', trainingInstances: 200 },
  target: { dataset: 'mnist', trainingInstances: 200 },
  extractor: { preset: 'wrn-10-1' },
  training: {
    source: { procedure: 'noise', learningRate: 1e-3, maxEpochs: 2, batchSize: 32 },
    heads: { procedure: 'noise', learningRate: 3e-3, maxEpochs: 3, batchSize: 32 },
  },
  heads: [
    { layers: 1, constraint: 'none' },
    { layers: 4, constraint: 'wn' },
  ],
  instances: 10,
  noiseAttack: { draws: 8 },
  pgd: { steps: 3 },
  adversarialSearch: { enabled: true, steps: 5 },
  certification: { draws: 60, selectionDraws: 20 },
} satisfies ExperimentConfigInput;

export function tinyConfig(change: Partial<ExperimentConfigInput> = {}): ExperimentConfig {
  const config = parseConfig({ ...TINY, ...change }, 'the tiny experiment');
  checkConfig(config);
  return config;
}

export const emptyFolder = (): string => mkdtempSync(path.join(tmpdir(), 'ptw-run-'));

export const SILENT: RunReporter = {
  began: () => undefined,
  progress: () => undefined,
  epoch: () => undefined,
  notice: () => undefined,
  ended: () => undefined,
};

/** A host that shows nothing, changed where a test wants to meddle. */
export function quietHost(change: Partial<RunHost> = {}): RunHost {
  return { reporter: SILENT, signal: new AbortController().signal, opened: () => undefined, ...change };
}
