import type { Domain } from '../../../../shared/config.ts';
import type { HeadWeights } from '../../../../shared/results.ts';
import type { ImageShape } from '../../../data/catalogue.ts';
import type { NamedArrays } from '../../../engine/models/arrays.ts';
import { foldBatchNorms } from '../../../engine/models/foldBatchNorms.ts';
import { representationSize, WIDE_RES_NETS, type WideResNet } from '../../../engine/models/wideResNetShape.ts';
import type { Store } from '../../../store/store.ts';
import { headWeights, stageOf, trainedExtractor, type StoredRun } from '../../storedRun.ts';
import { dataFacts, type DataFacts } from '../dataFacts.ts';
import { requireFinished } from '../finished.ts';
import { headFiles, type HeadFile } from '../headFiles.ts';
import type { ExportPlan } from '../writePlan.ts';
import { GraphBuilder, type Dimensions, type Value } from './graph.ts';
import { addExtractor, addHead } from './layers.ts';

/** Dimensions that stay free. */
const BATCH = 'N';

interface Extractor {
  readonly net: WideResNet;
  readonly folded: NamedArrays;
}

/**
 * ONNX models of a run: the extractor ("images" [N, C, H, W], normalised → "representations" [N, D]), each head
 * ("representations" → "logits" [N, K]) and each head on the extractor ("images" → "logits").
 */
export function onnxPlan(store: Store, run: StoredRun): ExportPlan {
  requireFinished(run, 'onnx', ['extractor', 'head']);
  const data = dataFacts(run);
  const prefix = `run-${run.run.id}`;
  const heads = headFiles(run);
  const extractorFile = `${prefix}-extractor.onnx`;
  const headFile = ({ slug }: HeadFile): string => `${prefix}-${slug}-head.onnx`;
  const modelFile = ({ slug }: HeadFile): string => `${prefix}-${slug}-model.onnx`;
  return {
    folder: null,
    files: [extractorFile, ...heads.flatMap((head) => [headFile(head), modelFile(head)])],
    write(open) {
      const extractor = extractorOf(store, run);
      open(extractorFile)(extractorModel(extractor, run, data));
      for (const head of heads) {
        const weights = headWeights(store, run, head);
        open(headFile(head))(headModel({ extractor, head, weights }, run, data));
        open(modelFile(head))(wholeModel({ extractor, head, weights }, run, data));
      }
    },
  };
}

function extractorOf(store: Store, run: StoredRun): Extractor {
  const net = WIDE_RES_NETS[run.config.extractor.preset];
  return { net, folded: foldBatchNorms(net, trainedExtractor(store, run).extractor) };
}

function extractorModel(extractor: Extractor, run: StoredRun, data: DataFacts): Uint8Array {
  const graph = new GraphBuilder();
  addExtractor(graph, extractor, { input: 'images', output: 'representations' });
  const { source, target } = data.domains;
  const sameSize = source.shape.height === target.shape.height && source.shape.width === target.shape.width;
  return graph.serialise({
    name: 'extractor',
    description: `Frozen feature extractor ${run.config.extractor.preset}. ${IMAGES}`,
    input: images(source.shape, sameSize),
    output: representations(extractor.net),
    metadata: { ...common(run), ...normalisation(data) },
  });
}

interface HeadOnExtractor {
  readonly extractor: Extractor;
  readonly head: HeadFile;
  readonly weights: HeadWeights;
}

function headModel({ extractor, head, weights }: HeadOnExtractor, run: StoredRun, data: DataFacts): Uint8Array {
  const graph = new GraphBuilder();
  addHead(graph, weights, { input: 'representations', output: 'logits' });
  return graph.serialise({
    name: head.slug,
    description: `Classifier "${head.head}" on representations of the ${head.domain}.`,
    input: representations(extractor.net),
    output: logits(weights),
    metadata: { ...common(run), ...headMetadata(run, head, data) },
  });
}

function wholeModel({ extractor, head, weights }: HeadOnExtractor, run: StoredRun, data: DataFacts): Uint8Array {
  const graph = new GraphBuilder();
  addExtractor(graph, extractor, { input: 'images', output: 'representations' });
  addHead(graph, weights, { input: 'representations', output: 'logits' });
  return graph.serialise({
    name: head.slug,
    description: `Classifier "${head.head}" of the ${head.domain} on the frozen extractor. ${IMAGES}`,
    input: images(data.domains[head.domain].shape, true),
    output: logits(weights),
    metadata: { ...common(run), ...headMetadata(run, head, data), ...normalisation(data) },
  });
}

const IMAGES =
  'Images are normalised: (v - mean) / deviation of their channel, v in [0, 1]; the metadata has mean and deviation.';

function images({ channels, height, width }: ImageShape, sizeIsFixed: boolean): Value {
  const size: Dimensions = sizeIsFixed ? [height, width] : ['H', 'W'];
  return { name: 'images', dimensions: [BATCH, channels, ...size] };
}
const representations = (net: WideResNet): Value => ({
  name: 'representations',
  dimensions: [BATCH, representationSize(net)],
});
const logits = ({ layers }: HeadWeights): Value => ({ name: 'logits', dimensions: [BATCH, layers.at(-1)!.outputs] });

type Metadata = Readonly<Record<string, string>>;

/** The files compute in float32, whatever the run's accuracies and certificates were computed in. */
function common({ run, config }: StoredRun): Metadata {
  return { run: String(run.id), config: JSON.stringify(config), evaluated_precision: config.precision };
}

function normalisation({ statistics: { mean, deviation } }: DataFacts): Metadata {
  return { mean: JSON.stringify([...mean]), deviation: JSON.stringify([...deviation]), layout: 'NCHW' };
}

function headMetadata(run: StoredRun, head: HeadFile, { domains }: DataFacts): Metadata {
  const domain: Domain = head.domain;
  const { dataset, classNames } = domains[domain];
  const { key } = stageOf(run, 'head', head)!;
  return { domain, dataset, class_names: JSON.stringify(classNames), head: head.head, stage: key };
}
