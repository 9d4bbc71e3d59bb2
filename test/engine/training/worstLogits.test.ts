import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { EffectiveHead } from '../../../src/main/engine/models/head.ts';
import { oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { worstLogits } from '../../../src/main/engine/training/worstLogits.ts';
import { propagatedMargins } from '../../../src/main/math/boxPropagation.ts';
import { headLogits, type DenseHead } from '../../../src/main/math/head.ts';
import { normals, randomHead, uniforms } from '../../math/heads.ts';

const [D, K, N] = [12, 4, 6];
const LABELS = Int32Array.of(0, 3, 1, 2, 1, 0);

const HEADS = [
  { name: 'one layer', sizes: [D, K], constraint: 'none' },
  { name: 'four layers', sizes: [D, 16, 16, 16, K], constraint: 'none' },
  { name: 'four layers under wn', sizes: [D, 16, 16, 16, K], constraint: 'wn' },
  { name: 'four layers under wn-l1, groups of 4', sizes: [D, 16, 8, 16, K], constraint: 'wn-l1', groupSize: 4 },
] as const;

const z = normals(N * D, 'box centres');
const widths = Float32Array.from(uniforms(D, 'half-widths'), (u) => u / 2);

function onDevice({ groupSize, layers }: DenseHead): EffectiveHead {
  return {
    groupSize,
    layers: layers.map(({ inputs, outputs, weight, bias }) => ({
      weight: tf.tensor2d(weight, [outputs, inputs]),
      bias: tf.tensor1d(bias),
    })),
  };
}

/** [N, K] */
function worstOf(head: DenseHead, halfWidth: Float32Array): Float32Array {
  return tf.tidy(() => {
    const boxes = { centre: tf.tensor2d(z, [N, D]), halfWidth: tf.tensor2d(halfWidth, [1, D]) };
    return worstLogits(onDevice(head), boxes, oneHotLabels(LABELS, K)).dataSync<'float32'>().slice();
  });
}

/** Largest magnitude that a sum of any layer can have, over the boxes: what its rounding is a share of. */
function scaleOf({ layers }: DenseHead): number {
  let most = Math.max(...z.map(Math.abs)) + 0.5;
  for (const { inputs, outputs, weight, bias } of layers) {
    const rows = Array.from({ length: outputs }, (_, j) =>
      weight.subarray(j * inputs, (j + 1) * inputs).reduce((sum, w) => sum + Math.abs(w), 0),
    );
    most = Math.max(most, Math.max(...rows) * most + Math.max(...bias.map(Math.abs)));
  }
  return most;
}

beforeAll(async () => {
  await openBackend();
});

describe.each(HEADS)('worst logits of $name', ({ name, ...of }) => {
  const head = randomHead({ ...of, name });
  // Four layers of sums of at most 16 terms, each twice (centre and reach), in float32.
  const tolerance = 4 * 2 * 16 * 2 ** -24 * scaleOf(head);

  it.each([0.01, 0.1, 1])('are the margins of interval propagation in float64, boxes times %d', (factor) => {
    const halfWidth = widths.map((w) => w * factor);
    const worst = worstOf(head, halfWidth);
    LABELS.forEach((label, i) => {
      const centre = z.subarray(i * D, (i + 1) * D);
      const box = {
        lower: Float64Array.from(centre, (v, d) => v - halfWidth[d]),
        upper: Float64Array.from(centre, (v, d) => v + halfWidth[d]),
      };
      propagatedMargins(head, box, label).forEach((margin, j) => {
        if (j === label) return;
        expect(Math.abs(worst[i * K + label] - worst[i * K + j] - margin)).toBeLessThan(tolerance);
      });
    });
  });

  it('are the logits of boxes without width', () => {
    const worst = worstOf(head, new Float32Array(D));
    for (let i = 0; i < N; i++) {
      headLogits(head, z.subarray(i * D, (i + 1) * D)).forEach((logit, k) =>
        expect(Math.abs(worst[i * K + k] - logit)).toBeLessThan(tolerance),
      );
    }
  });

  it('have the gradient by the half-widths that differences show', () => {
    const of = (halfWidth: tf.Tensor): tf.Scalar =>
      tf.sum(
        worstLogits(
          onDevice(head),
          { centre: tf.tensor2d(z, [N, D]), halfWidth: tf.reshape(halfWidth, [1, D]) },
          oneHotLabels(LABELS, K),
        ),
      );
    const gradient = tf.tidy(() => tf.grad(of)(tf.tensor1d(widths)).dataSync<'float32'>().slice());
    // Piecewise linear: over a step this short, in the direction of the widths themselves.
    const along = widths.reduce((sum, w, d) => sum + w * gradient[d], 0);
    const step = 1e-2;
    const [more, less] = [1 + step, 1 - step].map((factor) =>
      tf.tidy(() => of(tf.tensor1d(widths.map((w) => w * factor))).dataSync()[0]),
    );
    // Sorting makes corners, which a difference smooths: a tenth is far from the sum's other signs and factors.
    expect((more - less) / (2 * step) / along).toBeGreaterThan(0.9);
    expect((more - less) / (2 * step) / along).toBeLessThan(1.1);
  });
});
