import type { Store } from '../../store/store.ts';
import { BATCH_NORM_EPSILON } from '../../engine/ops/batchNormEpsilon.ts';
import { encodeSafetensors } from '../../engine/weights/safetensors.ts';
import { headArrays, headFacts } from '../artefactCodec.ts';
import { headWeights, stageOf, trainedExtractor, type StoredRun } from '../storedRun.ts';
import { dataFacts, type DataFacts } from './dataFacts.ts';
import { requireFinished } from './finished.ts';
import { headFiles } from './headFiles.ts';
import type { ExportPlan } from './writePlan.ts';

type Metadata = Readonly<Record<string, string>>;

/**
 * The extractor and every head as safetensors files, with what is needed to use them as metadata: all values there are
 * strings, and those that are no plain words are JSON. Kernels are [height, width, inputs, outputs] for images [N, H, W, C].
 */
export function safetensorsPlan(store: Store, run: StoredRun): ExportPlan {
  requireFinished(run, 'safetensors', ['extractor', 'head']);
  const data = dataFacts(run);
  const prefix = `run-${run.run.id}`;
  const heads = headFiles(run);
  const extractorFile = `${prefix}-extractor.safetensors`;
  const headFile = (slug: string): string => `${prefix}-${slug}.safetensors`;
  return {
    folder: null,
    files: [extractorFile, ...heads.map(({ slug }) => headFile(slug))],
    write(open) {
      const { extractor } = trainedExtractor(store, run);
      open(extractorFile)(encodeSafetensors(extractor, extractorMetadata(run, data)));
      for (const { slug, ...of } of heads) {
        const weights = headWeights(store, run, of);
        const { key } = stageOf(run, 'head', of)!;
        const metadata = {
          ...common(run, 'head'),
          ...domainMetadata(data, of.domain),
          domain: of.domain,
          label: of.head,
          head: headFacts(weights),
          stage: key,
          extractor_stage: extractorKey(run),
        };
        open(headFile(slug))(encodeSafetensors(headArrays(weights), metadata));
      }
    },
  };
}

const extractorKey = ({ stages }: StoredRun): string => stages.find(({ kind }) => kind === 'extractor')!.key;

function common({ run, config }: StoredRun, content: 'extractor' | 'head'): Metadata {
  return {
    format: `provable-transfer-workbench/${content}`,
    version: '1',
    run: String(run.id),
    config: JSON.stringify(config),
  };
}

function domainMetadata({ domains }: DataFacts, domain: 'source' | 'target'): Metadata {
  const { dataset, classNames, shape } = domains[domain];
  return { dataset, class_names: JSON.stringify(classNames), image_shape: JSON.stringify(shape) };
}

function extractorMetadata(run: StoredRun, data: DataFacts): Metadata {
  const { mean, deviation } = data.statistics;
  return {
    ...common(run, 'extractor'),
    ...domainMetadata(data, 'source'),
    stage: extractorKey(run),
    preset: run.config.extractor.preset,
    // What training, and with it the stored weights, are; evaluation may compute in less.
    evaluated_precision: run.config.precision,
    batch_norm_epsilon: String(BATCH_NORM_EPSILON),
    normalisation: JSON.stringify({ mean: [...mean], deviation: [...deviation], intensities: '[0, 1]' }),
  };
}
