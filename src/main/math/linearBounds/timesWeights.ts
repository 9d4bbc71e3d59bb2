import type { DenseStep } from './relaxedHead.ts';

/**
 * Rows of coefficients, [count, outputs], times the weights of a layer, [outputs, inputs]: [count, inputs], in blocks that read and write each number as seldom as
 * can be.
 */
export function timesWeights(coefficients: Float64Array, count: number, step: DenseStep): Float64Array {
  const { outputs, inputs } = step.layer;
  const result = new Float64Array(count * inputs);
  const [evenRows, fours] = [count - (count % 2), outputs - (outputs % 4)];
  const product = { result, coefficients, step };
  for (let row = 0; row < evenRows; row += 2) {
    for (let k = 0; k < fours; k += 4) addBlock(product, row, k);
  }
  for (let row = 0; row < count; row++) {
    for (let k = row < evenRows ? fours : 0; k < outputs; k++) addProduct(product, row, k);
  }
  return result;
}

interface Product {
  readonly result: Float64Array;
  readonly coefficients: Float64Array;
  readonly step: DenseStep;
}

function addProduct({ result, coefficients, step: { layer, weight } }: Product, row: number, k: number): void {
  const { inputs, outputs } = layer;
  const factor = coefficients[row * outputs + k];
  if (factor === 0) return;
  for (let j = 0, at = k * inputs, to = row * inputs; j < inputs; j++, at++, to++) result[to] += factor * weight[at];
}

/** Two rows times four of the weights': all is in registers but the six numbers of one column. */
function addBlock({ result, coefficients, step: { layer, weight } }: Product, row: number, k: number): void {
  const { inputs, outputs } = layer;
  const [a, b] = [row * outputs + k, (row + 1) * outputs + k];
  const [a1, a2, a3, a4] = [coefficients[a], coefficients[a + 1], coefficients[a + 2], coefficients[a + 3]];
  const [b1, b2, b3, b4] = [coefficients[b], coefficients[b + 1], coefficients[b + 2], coefficients[b + 3]];
  // Rows start with two coefficients that are not 0.
  if (a1 === 0 && a2 === 0 && a3 === 0 && a4 === 0 && b1 === 0 && b2 === 0 && b3 === 0 && b4 === 0) return;
  const [at1, at2, at3, at4] = [k * inputs, (k + 1) * inputs, (k + 2) * inputs, (k + 3) * inputs];
  const [toA, toB] = [row * inputs, (row + 1) * inputs];
  for (let j = 0; j < inputs; j++) {
    const w1 = weight[at1 + j];
    const w2 = weight[at2 + j];
    const w3 = weight[at3 + j];
    const w4 = weight[at4 + j];
    result[toA + j] += a1 * w1 + a2 * w2 + (a3 * w3 + a4 * w4);
    result[toB + j] += b1 * w1 + b2 * w2 + (b3 * w3 + b4 * w4);
  }
}
