import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { normalQuantile } from '../../../src/main/engine/ops/normalQuantile.ts';
import { bankObjective, consistencyTerm, macerLoss } from '../../../src/main/engine/training/certifiedObjectives.ts';
import { normalQuantile as exactQuantile } from '../../../src/main/math/normal.ts';

interface Reference {
  readonly value: number;
  readonly gradient: readonly number[];
}
interface Case {
  readonly images: number;
  readonly rows: number;
  readonly classes: number;
  readonly labels: readonly number[];
  readonly logits: readonly number[];
  readonly consistency: Reference;
  readonly macer: Reference & {
    readonly sigma: number;
    readonly weight: number;
    readonly gamma: number;
    readonly beta: number;
  };
}
// By PyTorch in float64 (make.py beside it).
const fixture = new URL('../../fixtures/objectives/objectives.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: readonly Case[] };

beforeAll(() => openBackend());

const logitsOf = ({ images, rows, classes, logits }: Case): tf.Tensor2D =>
  tf.tensor2d([...logits], [images * rows, classes]);
const labelsOf = ({ labels, classes }: Case): tf.Tensor2D => oneHotLabels(Int32Array.from(labels), classes);

function expectReference(loss: (logits: tf.Tensor2D) => tf.Scalar, one: Case, reference: Reference): void {
  const { value, grad } = tf.valueAndGrad((x) => loss(x as tf.Tensor2D))(logitsOf(one));
  // 1e-5 of the larger of 1 and what is compared: float32 against float64.
  const near = (got: number, expected: number): void =>
    expect(Math.abs(got - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
  near(value.dataSync()[0], reference.value);
  grad.dataSync().forEach((got, i) => near(got, reference.gradient[i]));
}

describe.each(cases)('$images images, $rows draws, $classes classes', (one) => {
  it('consistency is that of Jeong & Shin, value and gradient', () => {
    expectReference((logits) => consistencyTerm(logits, one.rows), one, one.consistency);
  });

  it('MACER is that of Zhai et al., value and gradient, in the hinge and beyond it', () => {
    const { rows } = one;
    expectReference((logits) => macerLoss(one.macer, { logits, labels: labelsOf(one), rows }), one, one.macer);
  });
});

it('consistency is zero where all draws agree, and ln 2 where two of them are sure of different classes', () => {
  const agreeing = tf.tensor2d([1, 2, 3, 1, 2, 3], [2, 3]);
  expect(consistencyTerm(agreeing, 2).dataSync()[0]).toBeCloseTo(0, 6);
  const torn = tf.tensor2d([60, 0, 0, 60], [2, 2]);
  // The average is a half each: −Σ ½·ln ½ less ½ of each draw's own log, one of which is −60.
  expect(consistencyTerm(torn, 2).dataSync()[0]).toBeCloseTo(Math.log(0.5) + 30, 4);
});

it('MACER leaves images beyond the hinge and wrong ones with a finite gradient, also where a share underflows', () => {
  const logits = tf.tensor2d([90, 0, 0, 90, 0, 0, 0, 90, 0, 0, 90, 0], [4, 3]);
  const labels = oneHotLabels(Int32Array.of(0, 2), 3);
  const settings = { sigma: 0.25, weight: 12, gamma: 8, beta: 16 };
  const loss = (x: tf.Tensor): tf.Scalar => macerLoss(settings, { logits: x as tf.Tensor2D, labels, rows: 2 });
  const { value, grad } = tf.valueAndGrad(loss)(logits);
  expect(Number.isFinite(value.dataSync()[0])).toBe(true);
  expect(Array.from(grad.dataSync()).every(Number.isFinite)).toBe(true);
});

it('λ = 0 leaves the cross-entropy, bit for bit', () => {
  const [one] = cases;
  const given = { logits: logitsOf(one), labels: labelsOf(one), rows: one.rows };
  const kept = { draws: 2, drawsPerStep: 2, sigma: 0.25, precision: 'float32' } as const;
  const plain = bankObjective({ ...kept, objective: 'cross-entropy' }, given).dataSync();
  expect(bankObjective({ ...kept, objective: 'consistency', weight: 0 }, given).dataSync()).toEqual(plain);
});

describe('Φ⁻¹ on the device', () => {
  const probabilities = [
    1e-37, 1e-20, 1e-12, 1.4e-11, 1e-6, 0.01, 0.0749, 0.0751, 0.3, 0.5, 0.7, 0.924, 0.926, 0.99, 0.9999,
  ];
  // As float32 has them, since near 1 that moves the quantile.
  const rounded = Float32Array.from(probabilities);

  it('is the quantile in float64, to float32', () => {
    const got = normalQuantile(tf.tensor1d(rounded)).dataSync();
    rounded.forEach((p, i) => {
      const expected = exactQuantile(p);
      // 1 − p is exact in float32 here, so only the formula and its rounding count.
      expect(Math.abs(got[i] - expected), String(p)).toBeLessThan(3e-6 * Math.max(1, Math.abs(expected)));
    });
  });

  it('is infinite at 0 and 1', () => {
    expect(Array.from(normalQuantile(tf.tensor1d([0, 1])).dataSync())).toEqual([-Infinity, Infinity]);
  });

  it('has the slope 1/φ, times what comes from above', () => {
    const at = tf.tensor1d([0.01, 0.3, 0.5, 0.9]);
    const slopes = tf
      .grad((p) => tf.sum(tf.mul(normalQuantile(p), tf.tensor1d([1, 10, 100, 1000]))))(at)
      .dataSync();
    [0.01, 0.3, 0.5, 0.9].forEach((p, i) => {
      const expected = 10 ** i * Math.sqrt(2 * Math.PI) * Math.exp(exactQuantile(p) ** 2 / 2);
      expect(Math.abs(slopes[i] / expected - 1)).toBeLessThan(1e-5);
    });
  });
});
