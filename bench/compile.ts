// Compiled steps against the same steps run op by op: `npm run bench:compile`. Prints medians of alternating runs.
import * as tf from '@tensorflow/tfjs-core';
import { pgdStep, type PgdStepInputs } from '../src/main/engine/attacks/pgd.ts';
import { openBackend } from '../src/main/engine/backends/openBackend.ts';
import { compile, type CompiledStep } from '../src/main/engine/compile/compile.ts';
import { flatten } from '../src/main/engine/compile/tensorTree.ts';
import { withPrefix } from '../src/main/engine/models/arrays.ts';
import { finishedHead, freezeHead, initialHead } from '../src/main/engine/models/head.ts';
import { parametersFrom } from '../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor } from '../src/main/engine/models/wideResNet.ts';
import { representationSize, WIDE_RES_NETS } from '../src/main/engine/models/wideResNetShape.ts';
import { oneHotLabels } from '../src/main/engine/ops/crossEntropy.ts';
import { noiseSource, standardNormal } from '../src/main/engine/ops/standardNormal.ts';
import { adamRates, initialAdam } from '../src/main/engine/training/adam.ts';
import {
  EXTRACTOR,
  extractorStep,
  HEAD,
  trainable,
  type ExtractorStepInputs,
} from '../src/main/engine/training/extractorStep.ts';
import { deriveKey } from '../src/main/math/philox.ts';

const RUNS = 11;
const BATCH = 64;
const SIDE = 28;
const CLASSES = 10;

const { devices, threads, simd } = await openBackend('tensorflow');
console.log(`${devices.join(', ')}; ${threads} threads; ${simd.join(', ')}`);
console.log(`wrn-10-2, ${SIDE}×${SIDE}, batch ${BATCH}; milliseconds, medians of ${RUNS} alternating runs`);
console.log(`${' '.repeat(28)}    eager compiled  ratio  (processor time of the same)   first call`);

const net = WIDE_RES_NETS['wrn-10-2'];
const size = SIDE * SIDE;
const source = noiseSource({ key: deriveKey(1, 'bench'), first: 0, size });
const flat = standardNormal(source, [BATCH, size]);
const images: tf.Tensor4D = tf.reshape(flat, [BATCH, SIDE, SIDE, 1]);
const labels = oneHotLabels(
  Int32Array.from({ length: BATCH }, (_, i) => i % CLASSES),
  CLASSES,
);
const spec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 } as const;
const headShape = { spec, inputs: representationSize(net), classes: CLASSES };
const extractor = freeze(net, initialExtractor(net, 1, 1));

/** Time on the clock and of all processors together: the second says what a busy machine hides. */
interface Timing {
  readonly clock: number;
  readonly processor: number;
}

function milliseconds(run: () => object): Timing {
  const used = process.cpuUsage();
  const started = performance.now();
  const { tensors } = flatten(run());
  tensors[0].dataSync();
  const clock = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  tf.dispose(tensors);
  return { clock, processor: (user + system) / 1000 };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

const medians = (timings: readonly Timing[]): Timing => ({
  clock: median(timings.map(({ clock }) => clock)),
  processor: median(timings.map(({ processor }) => processor)),
});

function compare<In extends object, Out extends object>(
  name: string,
  step: (inputs: In) => Out,
  { graph, inputs }: { graph: CompiledStep<In, Out>; inputs: In },
): void {
  const started = performance.now();
  tf.dispose(flatten(graph.run(inputs)).tensors);
  const first = performance.now() - started;
  const status = graph.status();
  if (status.mode !== 'compiled') throw new Error(`${name}: ${status.mode === 'eager' ? status.reason : 'not run'}`);
  const eager: Timing[] = [];
  const compiled: Timing[] = [];
  const eagerly = (): Out => {
    let outputs: Out | null = null;
    tf.tidy(() => flatten((outputs = step(inputs))).tensors);
    return outputs!;
  };
  for (let i = 0; i < 2; i++) milliseconds(eagerly);
  for (let i = 0; i < RUNS; i++) {
    eager.push(milliseconds(eagerly));
    compiled.push(milliseconds(() => graph.run(inputs)));
  }
  const [slow, fast] = [medians(eager), medians(compiled)];
  const columns = [slow.clock, fast.clock, slow.processor, fast.processor].map((ms) => ms.toFixed(1).padStart(8));
  const ratios = [slow.clock / fast.clock, slow.processor / fast.processor].map((ratio) =>
    ratio.toFixed(2).padStart(6),
  );
  const [clocks, processors] = [columns.slice(0, 2), columns.slice(2)];
  console.log(
    [name.padEnd(28), ...clocks, ratios[0], ...processors, ratios[1], first.toFixed(0).padStart(8)].join(' '),
  );
  graph.dispose();
}

const inference = (inputs: { images: tf.Tensor4D }): { z: tf.Tensor } => ({ z: extract(extractor, inputs.images) });
compare('inference, frozen weights', inference, { graph: compile(inference), inputs: { images } });

compare('inference, frozen, bfloat16', inference, {
  graph: compile(inference, { precision: 'bfloat16' }),
  inputs: { images },
});

const head = freezeHead(await finishedHead(headShape, parametersFrom(initialHead(headShape, 1))));
const settings = { enabled: true, steps: 50, epsilon: 0.1, restarts: 1, randomStart: true };
const set = { shape: { height: SIDE, width: SIDE, channels: 1 } };
const attack = (inputs: PgdStepInputs): ReturnType<typeof pgdStep> =>
  pgdStep({ extractor, head, set, settings }, inputs);
compare('PGD step (input gradient)', attack, {
  graph: compile(attack),
  inputs: { images: flat, delta: tf.zeros<tf.Rank.R2>([BATCH, size]), labels },
});

for (const procedure of ['normal', 'noise'] as const) {
  const training = {
    procedure,
    epsilon: 0.1,
    learningRate: 1e-4,
    batchSize: BATCH,
    maxEpochs: 1,
    validationEvery: 1,
    patience: 1,
  };
  const parameters = parametersFrom({
    ...withPrefix(initialExtractor(net, 1, 1), EXTRACTOR),
    ...withPrefix(initialHead(headShape, 1), HEAD),
  });
  const { first, second } = initialAdam(trainable(parameters));
  const inputs = { parameters, first, second, images, labels, ...source, ...adamRates(1, 1e-4) };
  const step = (given: ExtractorStepInputs): ReturnType<typeof extractorStep> =>
    extractorStep({ net, head: headShape, settings: training }, given);
  compare(`training step, ${procedure}`, step, { graph: compile(step), inputs });
}
