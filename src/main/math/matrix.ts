/** A matrix [rows, columns], row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array | Float64Array;
}

/** The same matrix in float64 with rows and columns changed over. */
export function transposed({ rows, columns, values }: Matrix): Matrix & { readonly values: Float64Array } {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j];
  return { rows: columns, columns: rows, values: result };
}

/** The matrix or its transpose, whichever has no more rows than columns, in float64: the smaller side is the cheaper one. */
export function lyingDown(matrix: Matrix): Matrix & { readonly values: Float64Array } {
  return matrix.rows > matrix.columns ? transposed(matrix) : { ...matrix, values: Float64Array.from(matrix.values) };
}

/** A·Aᵀ, [rows, rows], exactly symmetric. */
export function gramOfRows({ rows, columns, values }: Matrix & { readonly values: Float64Array }): Float64Array {
  const gram = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      gram[i * rows + j] = gram[j * rows + i] = dot(values, { a: i * columns, b: j * columns, length: columns });
    }
  }
  return gram;
}

/** Σ values[a + t]·values[b + t]; in four sums, since one would wait for itself at every term. */
function dot(values: Float64Array, { a, b, length }: { a: number; b: number; length: number }): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = length - (length % 4);
  for (let t = 0; t < whole; t += 4) {
    s0 += values[a + t] * values[b + t];
    s1 += values[a + t + 1] * values[b + t + 1];
    s2 += values[a + t + 2] * values[b + t + 2];
    s3 += values[a + t + 3] * values[b + t + 3];
  }
  for (let t = whole; t < length; t++) s0 += values[a + t] * values[b + t];
  return s0 + s1 + (s2 + s3);
}

/** B·A with a square B, [rows, rows]. */
export function product(left: Float64Array, { rows, columns, values }: Matrix): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const row = result.subarray(i * columns, (i + 1) * columns);
    for (let k = 0; k < rows; k++) {
      const factor = left[i * rows + k];
      for (let j = 0, at = k * columns; j < columns; j++, at++) row[j] += factor * values[at];
    }
  }
  return result;
}
