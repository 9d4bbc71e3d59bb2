import { deriveKey, fillStandardNormal, philox4x32 } from '../../src/main/math/philox.ts';
import type { DenseHead, HeadConstraint } from '../../src/main/math/head.ts';

/** [count] standard normals of a named stream. */
export function normals(count: number, ...labels: (string | number)[]): Float32Array {
  const values = new Float32Array(count);
  fillStandardNormal(values, deriveKey(7, ...labels), 0);
  return values;
}

/** [count] uniforms in [0, 1) of a named stream. */
export function uniforms(count: number, ...labels: (string | number)[]): Float64Array {
  const key = Uint32Array.from(deriveKey(7, ...labels));
  return Float64Array.from(
    { length: count },
    (_, i) => philox4x32(Uint32Array.of(i >> 2, 0, 0, 0), key)[i & 3] / 2 ** 32,
  );
}

export interface RandomHead {
  readonly sizes: readonly number[];
  readonly constraint: HeadConstraint;
  readonly groupSize?: number;
  readonly name: string | number;
}

/** A head of random weights that keeps its constraint with bound 1; rows are on the constraint's boundary. */
export function randomHead({ sizes, constraint, groupSize = 2, name }: RandomHead): DenseHead {
  const layers = sizes.slice(1).map((outputs, i) => {
    const inputs = sizes[i];
    const weight = normals(outputs * inputs, 'weight', name, i).map((w) => w / Math.sqrt(inputs));
    for (let row = 0; row < outputs && constraint !== 'none'; row++) {
      const values = weight.subarray(row * inputs, (row + 1) * inputs);
      const norm = constraint === 'wn' ? Math.hypot(...values) : values.reduce((sum, w) => sum + Math.abs(w), 0);
      values.forEach((w, j) => (values[j] = w / norm));
    }
    return { inputs, outputs, weight, bias: normals(outputs, 'bias', name, i).map((b) => b / 10) };
  });
  return { constraint, bound: 1, groupSize, layers };
}
