import { InferenceSession, Tensor, env } from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { DOMAINS, type Domain } from '../../../src/shared/config.ts';
import type { PredictionRecord } from '../../../src/shared/results.ts';
import { prepareTransfer, type DomainImages } from '../../../src/main/data/transfer.ts';
import type { NamedArrays } from '../../../src/main/engine/models/arrays.ts';
import { foldBatchNorms } from '../../../src/main/engine/models/foldBatchNorms.ts';
import { initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { argmax } from '../../../src/main/math/head.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { GraphBuilder, requireSerialisable } from '../../../src/main/workbench/export/onnx/graph.ts';
import { addExtractor } from '../../../src/main/workbench/export/onnx/layers.ts';
import { transferSpecOf } from '../../../src/main/workbench/runInProgress.ts';
import { headsOf, stageOf, storedRun } from '../../../src/main/workbench/storedRun.ts';
import { reading } from '../../../src/main/workbench/storeOfFolder.ts';
import { referenceExtract, withTrainedNorms } from '../../engine/models/referenceWideResNet.ts';
import { bytesOf, exported, runToExport, type ExportedRun } from './exportedRun.ts';

// One thread: a worker of onnxruntime would outlive the test.
env.wasm.numThreads = 1;

/** [n, H, W, C] → [n, C, H, W] */
function channelsFirst(images: Float32Array, { height, width, channels }: DomainImages['shape']): Float32Array {
  const turned = new Float32Array(images.length);
  const pixels = height * width;
  for (let i = 0; i < images.length; i++) {
    const image = Math.floor(i / (pixels * channels));
    const within = i % (pixels * channels);
    const [pixel, channel] = [Math.floor(within / channels), within % channels];
    turned[(image * channels + channel) * pixels + pixel] = images[i];
  }
  return turned;
}

/** A model's one output on one input. */
async function outputOf(session: InferenceSession, values: Float32Array, shape: readonly number[]): Promise<Tensor> {
  const results = await session.run({ [session.inputNames[0]]: new Tensor('float32', values, shape) });
  return results[session.outputNames[0]];
}

async function inBatches(
  session: InferenceSession,
  { values, shape, batch }: { values: Float32Array; shape: readonly number[]; batch: number },
): Promise<Float32Array> {
  const [rows, ...rest] = shape;
  const size = values.length / rows;
  const outputs: number[] = [];
  for (let first = 0; first < rows; first += batch) {
    const count = Math.min(batch, rows - first);
    const piece = values.slice(first * size, (first + count) * size);
    const { data, dims } = await outputOf(session, piece, [count, ...rest]);
    expect(dims[0]).toBe(count);
    outputs.push(...(data as Float32Array));
  }
  return Float32Array.from(outputs);
}

describe('refusals', () => {
  it('weights beyond what a protobuf message can hold are refused with another way out', () => {
    expect(() => requireSerialisable('extractor', 2 ** 31)).toThrow(
      /extractor as onnx: got 2147483648 bytes of weights, expected less than the 2 GiB.*export as safetensors/,
    );
    expect(() => requireSerialisable('extractor', 2 ** 30)).not.toThrow();
  });
});

/** Two blocks in a stage, so that one shortcut is an identity and two norms cannot be folded. */
const NET = { blocks: [2, 1, 2], width: 1 } as const;
const BLOCKS = [
  { name: 'stage1.block1', stride: 1 },
  { name: 'stage1.block2', stride: 1 },
  { name: 'stage2.block1', stride: 2 },
  { name: 'stage3.block1', stride: 2 },
  { name: 'stage3.block2', stride: 1 },
];

describe('the extractor as a graph is the one of METHOD.md §1', () => {
  it.each([
    [8, 8],
    [9, 7],
    [11, 6],
  ])(
    'on three channels of %i × %i pixels, where strides of two pad at the end or on both sides',
    async (height, width) => {
      const trained: NamedArrays = withTrainedNorms(initialExtractor(NET, 3, 1));
      const graph = new GraphBuilder();
      addExtractor(
        graph,
        { net: NET, folded: foldBatchNorms(NET, trained) },
        { input: 'images', output: 'representations' },
      );
      const model = graph.serialise({
        name: 'extractor',
        description: '',
        input: { name: 'images', dimensions: ['N', 3, 'H', 'W'] },
        output: { name: 'representations', dimensions: ['N', 64] },
        metadata: {},
      });
      const values = new Float32Array(2 * height * width * 3);
      fillStandardNormal(values, deriveKey(5, 'images'), 0);
      const session = await InferenceSession.create(model);
      const shape = { height, width, channels: 3 };
      const { data, dims } = await outputOf(session, channelsFirst(values, shape), [2, 3, height, width]);
      expect(dims).toEqual([2, 64]);
      for (const n of [0, 1]) {
        const image = Float64Array.from(values.subarray(n * height * width * 3, (n + 1) * height * width * 3));
        const expected = referenceExtract(trained, { ...shape, values: image }, BLOCKS);
        const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // A dozen convolutions of some hundred float32 terms each.
        expected.forEach((value, d) =>
          expect(Math.abs((data as Float32Array)[n * 64 + d] - value)).toBeLessThan(1e-5 * scale),
        );
      }
    },
  );
});

interface Evaluated {
  readonly images: Float32Array;
  readonly shape: readonly number[];
  readonly records: readonly PredictionRecord[];
}

/** The stored instances of a head, their images as the models take them. */
function evaluated({ folder, id, config }: ExportedRun, of: { domain: Domain; head: string }): Evaluated {
  const { test } = prepareTransfer(transferSpecOf(config))[of.domain];
  const records = reading(folder, (store) =>
    store.results.predictions(stageOf(storedRun(store, id), 'prediction', of)!.id),
  );
  const images = test.images(Int32Array.from(records, ({ datasetIndex }) => datasetIndex));
  const { height, width, channels } = test.shape;
  return { images: channelsFirst(images, test.shape), shape: [records.length, channels, height, width], records };
}

function expectStoredLogits(logits: Float32Array, records: readonly PredictionRecord[]): void {
  records.forEach(({ logits: stored, label, predicted }, n) => {
    const row = logits.subarray(n * stored.length, (n + 1) * stored.length);
    stored.forEach((value, k) => expect(Math.abs(row[k] - value)).toBeLessThan(1e-4));
    expect(argmax(row) === label).toBe(predicted === label);
  });
}

describe('the models of a run', () => {
  let run: ExportedRun;
  let files: Map<string, string>;
  beforeAll(async () => {
    run = await runToExport();
    files = exported(run, 'onnx');
  });

  it.each(DOMAINS.flatMap((domain) => [1, 7].map((batch) => [domain, batch] as const)))(
    'give the stored logits within 1e-4 and the stored accuracy exactly, on the %s in batches of %i',
    async (domain, batch) => {
      const heads = reading(run.folder, (store) => headsOf(storedRun(store, run.id)));
      const slugs = ['1-layer-none', '4-layer-wn', '4-layer-wn-l1-width-16-groups-of-4-temperature-30'];
      const ofDomain = heads.filter((of) => of.domain === domain);
      expect(ofDomain).toHaveLength(3);
      const extractor = await InferenceSession.create(bytesOf(files.get('extractor.onnx')!));
      for (const [i, of] of ofDomain.entries()) {
        const { images, shape, records } = evaluated(run, of);
        const model = await InferenceSession.create(bytesOf(files.get(`${domain}-${slugs[i]}-model.onnx`)!));
        expectStoredLogits(await inBatches(model, { values: images, shape, batch }), records);
        const representations = await inBatches(extractor, { values: images, shape, batch });
        const head = await InferenceSession.create(bytesOf(files.get(`${domain}-${slugs[i]}-head.onnx`)!));
        const logits = await inBatches(head, { values: representations, shape: [records.length, 64], batch });
        expectStoredLogits(logits, records);
      }
    },
  );
});
