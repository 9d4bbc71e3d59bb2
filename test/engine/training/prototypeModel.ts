import * as tf from '@tensorflow/tfjs-core';
import { normals } from '../../math/heads.ts';

/** Classes by distance to a prototype: logit j is −sharpness·‖x − c_j‖², so that every gradient has a closed form. */
export class PrototypeModel {
  readonly sharpness = 0.02;
  /** [K][size] */
  readonly prototypes: readonly Float32Array[];

  constructor(size: number, classes: number) {
    this.prototypes = Array.from({ length: classes }, (_, k) => normals(size, 'prototype', k));
  }

  /** From [R, H, W, C] to [R, K]. */
  logits(images: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const x = tf.reshape(images, [images.shape[0], -1]);
      const columns = this.prototypes.map((c) => tf.sum(tf.square(tf.sub(x, tf.tensor1d(c))), 1));
      return tf.mul<tf.Tensor2D>(tf.stack(columns, 1), -this.sharpness);
    });
  }

  /** Softmax, [K], and its logits' gradients, [K][size], in float64. */
  at(x: Float64Array): { shares: Float64Array; gradients: Float64Array[] } {
    const gradients = this.prototypes.map((c) => x.map((v, d) => -2 * this.sharpness * (v - c[d])));
    const logits = this.prototypes.map((c) => -this.sharpness * x.reduce((sum, v, d) => sum + (v - c[d]) ** 2, 0));
    const most = Math.max(...logits);
    const total = logits.reduce((sum, l) => sum + Math.exp(l - most), 0);
    return { shares: Float64Array.from(logits, (l) => Math.exp(l - most) / total), gradients };
  }
}

export interface AttackByHand {
  /** x, [size] */
  readonly clean: Float64Array;
  readonly label: number;
  /** [m][size]; one of zeros where there is no noise. */
  readonly noise: readonly Float64Array[];
  /** δ at first, [size] */
  readonly start: Float64Array;
  readonly epsilon: number;
  readonly steps: number;
  /** Not relative. */
  readonly stepLength: number;
}

const norm = (x: Float64Array): number => Math.hypot(...x);
const plus = (x: Float64Array, y: Float64Array, factor = 1): Float64Array => x.map((v, d) => v + factor * y[d]);

/** δ of L2-PGD on −log of the mean softmax over the draws, as METHOD.md §2 says it, one input at a time in float64. */
export function attackByHand(model: PrototypeModel, { clean, label, noise, start, epsilon, ...run }: AttackByHand) {
  let delta = start;
  for (let step = 0; step < run.steps; step++) {
    let gradient: Float64Array = new Float64Array(clean.length);
    let mean = 0;
    for (const eta of noise) {
      const { shares, gradients } = model.at(plus(plus(clean, delta), eta));
      const share = shares[label];
      const average = gradients.reduce((sum, g, k) => plus(sum, g, shares[k]), new Float64Array(clean.length));
      mean += share / noise.length;
      gradient = plus(gradient, plus(gradients[label], average, -1), share / noise.length);
    }
    gradient = gradient.map((g) => -g / mean);
    delta = plus(delta, gradient, run.stepLength / norm(gradient));
    const length = norm(delta);
    if (length > epsilon) delta = delta.map((v) => (v * epsilon) / length);
  }
  return delta;
}
