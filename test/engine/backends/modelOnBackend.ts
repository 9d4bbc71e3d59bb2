// Run in a process of its own, with the backend's name: prints what a net computes and one step of its training.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend, type BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { extract, freeze, initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { withTrainedNorms } from '../models/referenceWideResNet.ts';
import { toySet } from '../toySet.ts';
import { spreadValues } from './gradientCases.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const LEARNING_RATE = 1e-2;

export interface ModelResults {
  /** [N·D] */
  readonly representations: number[];
  /** [N·H·W] */
  readonly inputGradient: number[];
  readonly trainingLoss: number;
  readonly learningRate: number;
  /** Parameters and Adam's moments after one step. */
  readonly checkpoint: Record<string, number[]>;
}

async function modelResults(): Promise<ModelResults> {
  const set = toySet(16);
  const frozen = freeze(NET, withTrainedNorms(initialExtractor(NET, 1, 3)));
  const images = imageTensor(set, everyIndex(set));
  const upstream = spreadValues([set.count, 64], -3, 5);
  const z = extract(frozen, images);
  const gradient = tf.grad((x: tf.Tensor) => extract(frozen, x as tf.Tensor4D))(images, upstream);
  let trainingLoss = NaN;
  const checkpoint: Record<string, number[]> = {};
  await trainExtractor(
    {
      net: NET,
      head: {
        spec: { layers: 4, constraint: 'wn', bound: 1, groupSize: 2, temperature: 3 },
        inputs: 64,
        classes: set.classes,
      },
      training: set,
      validation: toySet(4, { seed: 2 }),
      settings: {
        procedure: 'noise',
        epsilon: 0.1,
        learningRate: LEARNING_RATE,
        batchSize: set.count,
        maxEpochs: 1,
        validationEvery: 1,
        patience: 1,
      },
      seed: 5,
      checkpoint: null,
    },
    {
      ...QUIET,
      epoch: (report, made) => {
        trainingLoss = report.trainingLoss;
        for (const [name, { data }] of Object.entries(made.arrays)) checkpoint[name] = [...data];
      },
    },
  );
  return {
    representations: [...z.dataSync()],
    inputGradient: [...gradient.dataSync()],
    trainingLoss,
    learningRate: LEARNING_RATE,
    checkpoint,
  };
}

if (import.meta.filename === process.argv[1]) {
  await openBackend(process.argv[2] as BackendName);
  process.stdout.write(JSON.stringify(await modelResults()));
}
