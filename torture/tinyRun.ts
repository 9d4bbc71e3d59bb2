import type { ExperimentConfig, ExperimentConfigInput } from '../src/shared/config.ts';
import { parseConfig } from '../src/main/workbench/loadConfig.ts';
import { storedRun } from '../src/main/workbench/storedRun.ts';
import { reading } from '../src/main/workbench/storeOfFolder.ts';
import type { Store } from '../src/main/store/store.ts';
import { fabricateFolder } from '../test/data/imageFolder/fabricate.ts';

/** The smallest run that has every stage: images of 8 × 8 pixels of two classes, a minute's work for nobody. */
export function tinyConfig(images: string, change: Partial<ExperimentConfigInput> = {}): ExperimentConfig {
  return parseConfig(
    {
      name: 'tortured',
      seed: 3,
      source: { dataset: { folder: images } },
      target: { dataset: { folder: images } },
      extractor: { preset: 'wrn-10-1' },
      training: {
        source: { procedure: 'noise', learningRate: 1e-3, maxEpochs: 2, batchSize: 8 },
        heads: { procedure: 'noise', learningRate: 3e-3, maxEpochs: 2, batchSize: 8 },
      },
      heads: [{ layers: 1, constraint: 'wn' }],
      instances: 6,
      noiseAttack: { draws: 2 },
      pgd: { steps: 1, restarts: 1 },
      adversarialSearch: { enabled: true, steps: 1 },
      certification: { draws: 100, selectionDraws: 10, alpha: 0.05 },
      ...change,
    },
    'the tiny run',
  );
}

export const fabricateImages = (): string =>
  fabricateFolder({ classes: ['a', 'b'], train: 12, test: 4, height: 8, width: 8, channels: 1 });

/** Everything that a run found, by key and kind of stage: what must be equal however the run was disturbed. Times are left out. */
export type Findings = ReadonlyMap<string, unknown>;

export const findingsOf = (folder: string, run: number): Findings => reading(folder, (store) => findingsIn(store, run));

export function findingsIn(store: Store, run: number): Findings {
  const { stages } = storedRun(store, run);
  return new Map(
    stages.map(({ id, key, kind, status, metrics }) => [
      `${kind} ${key}`,
      {
        status,
        metrics,
        certificates: [...store.results.iterateCertificates(id)],
        predictions: store.results.predictions(id),
        pgd: store.results.pgd(id),
        noiseAttacks: store.results.noiseAttacks(id),
        searches: store.results.adversarialSearches(id),
        weights: store.artefacts.ofStage(id).map(({ hash, role }) => [role, hash, store.artefacts.read(hash).length]),
        epochs: store.stages.epochs(id).map(({ seconds: _seconds, ...epoch }) => epoch),
      },
    ]),
  );
}
