import { DOMAINS, type ExperimentConfig } from '../../../shared/config.ts';
import type { Scale } from '../../../shared/studyReport.ts';
import type { Store } from '../../store/store.ts';
import { dataOfRun } from '../learnedFrom.ts';
import { stageOf, type StoredRun } from '../storedRun.ts';
import type { DataAtHand } from './dataAtHand.ts';
import type { CellResult } from './storedStudy.ts';

export type { Scale };

/** Scale of one head of a cell. @param head its label */
export function scaleOf(
  store: Store,
  data: DataAtHand,
  { cell, run, head }: CellResult & { readonly head: string },
): Scale {
  const { config } = cell;
  const { instances, certification, extractor, training } = config;
  return {
    instances,
    draws: certification.enabled ? certification.draws : null,
    extractor: extractor.preset,
    epochs: run === null ? null : epochsOf(store, run, head),
    maxEpochs: { extractor: training.source.maxEpochs, head: training.heads.maxEpochs },
    images: imagesOf(data, config, run),
  };
}

function epochsOf(store: Store, run: StoredRun, head: string): Scale['epochs'] {
  const extractor = run.stages.find(({ kind }) => kind === 'extractor');
  const trained = stageOf(run, 'head', { domain: 'target', head });
  const count = (stage: { readonly id: number } | undefined): number =>
    stage === undefined ? 0 : store.stages.epochs(stage.id).length;
  return { extractor: count(extractor), head: count(trained) };
}

/** Of the files that the run learned from; of those that serve now where it has not come so far. */
function imagesOf(data: DataAtHand, config: ExperimentConfig, run: StoredRun | null): Scale['images'] {
  const [source, target] = DOMAINS.map((domain) => {
    return data.trainingImages(config, domain, run === null ? null : dataOfRun(run, domain));
  });
  return { source, target };
}

/** "100 inst., n = 500, wrn-10-1, 10+8 epochs, 4000→3000 img." */
export function scaleText({ instances, draws, extractor, epochs, maxEpochs, images }: Scale): string {
  const trained =
    epochs === null ? `≤ ${maxEpochs.extractor}+${maxEpochs.head} epochs` : `${epochs.extractor}+${epochs.head} epochs`;
  return [
    `${instances} inst.`,
    ...(draws === null ? [] : [`n = ${draws}`]),
    extractor,
    trained,
    `${images.source ?? '?'}→${images.target ?? '?'} img.`,
  ].join(', ');
}
