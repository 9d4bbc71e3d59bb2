import * as tf from '@tensorflow/tfjs-core';

// Coefficients of PPND7 (Wichura 1988, algorithm AS 241), ascending: good to about 1 part in 10^7, as float32 is.
const CENTRE = {
  numerator: [3.3871327179, 50.434271938, 159.29113202, 59.10937472],
  denominator: [1, 17.895169469, 78.757757664, 67.1875636],
};
const TAIL = {
  numerator: [1.4234372777, 2.75681539, 1.3067284816, 0.17023821103],
  denominator: [1, 0.7370016425, 0.12021132975],
};
const FAR_TAIL = {
  numerator: [6.657905115, 3.081226386, 0.42868294337, 0.017337203997],
  denominator: [1, 0.24197894225, 0.012258202635],
};
/** The centre is |p − 1/2| up to here; the far tail begins where √(−ln p) passes 5. */
const CENTRE_HALF_WIDTH = 0.425;
const FAR_TAIL_FROM = 5;

/**
 * Φ⁻¹ of each probability, with the gradient 1/φ(Φ⁻¹(p)); −∞ at 0 and ∞ at 1. The lower tail has all of float32's digits; near 1 a caller
 * who has 1 − p asks for −Φ⁻¹(1 − p) instead. For training: certificates have their own in float64.
 * @param probability any shape, within [0, 1]
 */
export function normalQuantile<T extends tf.Tensor>(probability: T): T {
  const differentiable = tf.customGrad((...args) => {
    const [p] = args as tf.Tensor[];
    const save = args[1] as unknown as tf.GradSaveFunc;
    const value = tf.tidy(() => quantile(p));
    save([value]);
    const gradFunc = (upstream: tf.Tensor, [x]: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => tf.mul(upstream, tf.mul(tf.exp(tf.mul(tf.square(x), 0.5)), Math.sqrt(2 * Math.PI))));
    return { value, gradFunc };
  });
  return differentiable(probability) as T;
}

function quantile(p: tf.Tensor): tf.Tensor {
  const fromHalf = tf.sub(p, 0.5);
  const centre = tf.mul(fromHalf, ratio(CENTRE, tf.sub(CENTRE_HALF_WIDTH ** 2, tf.square(fromHalf))));
  const smaller = tf.minimum(p, tf.sub(1, p));
  const depth = tf.sqrt(tf.neg(tf.log(smaller)));
  const near = ratio(TAIL, tf.sub(depth, 1.6));
  const far = ratio(FAR_TAIL, tf.sub(depth, FAR_TAIL_FROM));
  const tail = tf.mul(tf.where(tf.lessEqual(depth, FAR_TAIL_FROM), near, far), tf.sign(fromHalf));
  const inside = tf.where(tf.lessEqual(tf.abs(fromHalf), CENTRE_HALF_WIDTH), centre, tail);
  // At infinite depth the ratio is ∞/∞.
  return tf.where(tf.equal(smaller, 0), tf.mul(tf.sign(fromHalf), Infinity), inside);
}

function ratio({ numerator, denominator }: typeof TAIL, x: tf.Tensor): tf.Tensor {
  return tf.div(polynomial(numerator, x), polynomial(denominator, x));
}

/** By Horner's rule. @param coefficients ascending */
function polynomial(coefficients: readonly number[], x: tf.Tensor): tf.Tensor {
  return coefficients
    .slice(0, -1)
    .reduceRight<tf.Tensor>(
      (sum, coefficient) => tf.add(tf.mul(sum, x), coefficient),
      tf.fill(x.shape, coefficients.at(-1)!),
    );
}
