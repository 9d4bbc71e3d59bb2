import { deriveKey, fillStandardNormal, philox4x32 } from '../../src/main/math/philox.ts';
import type { DenseHead, HeadConstraint } from '../../src/main/math/head.ts';
import type { Matrix } from '../../src/main/math/matrix.ts';
import { nearestOrthonormal } from '../../src/main/math/orthonormal.ts';
import { spectralNormUpper } from '../../src/main/math/spectralNorm.ts';

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

/** A head of random weights that keeps its constraint with bound 1, and is on its boundary: all rows, or the norm. */
export function randomHead({ sizes, constraint, groupSize = 2, name }: RandomHead): DenseHead {
  const layers = sizes.slice(1).map((outputs, i) => {
    const inputs = sizes[i];
    const values = normals(outputs * inputs, 'weight', name, i).map((w) => w / Math.sqrt(inputs));
    const weight = onBoundary(constraint, { rows: outputs, columns: inputs, values });
    return { inputs, outputs, weight, bias: normals(outputs, 'bias', name, i).map((b) => b / 10) };
  });
  return { constraint, bound: 1, groupSize, layers };
}

function onBoundary(constraint: HeadConstraint, matrix: Matrix & { readonly values: Float32Array }): Float32Array {
  const { columns, values } = matrix;
  switch (constraint) {
    case 'none':
      return values;
    case 'spectral': {
      const norm = spectralNormUpper(matrix);
      return values.map((w) => w / norm);
    }
    case 'bjorck':
      return Float32Array.from(nearestOrthonormal(matrix));
    case 'wn':
    case 'wn-l1':
      for (let start = 0; start < values.length; start += columns) {
        const row = values.subarray(start, start + columns);
        const norm = constraint === 'wn' ? Math.hypot(...row) : row.reduce((sum, w) => sum + Math.abs(w), 0);
        row.forEach((w, j) => (row[j] = w / norm));
      }
      return values;
  }
}
