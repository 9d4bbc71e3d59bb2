import { sortFloats } from '../../math/kernel/kernel.ts';

/** Puts rows of draws, [rows, D], in their places among the columns of all draws, [D, draws]. */
export function putInColumns(columns: Float32Array, rows: Float32Array, { first, count, draws }: PlaceOfRows): void {
  const dimension = columns.length / draws;
  for (let d = 0; d < dimension; d++) {
    const start = d * draws + first;
    for (let s = 0; s < count; s++) columns[start + s] = rows[s * dimension + d];
  }
}

interface PlaceOfRows {
  /** Of the pass: its first draw and how many it has. */
  readonly first: number;
  readonly count: number;
  /** Of all passes. */
  readonly draws: number;
}

/** Sorts each coordinate's draws, [D, draws], ascending, NaN last; in place, since at 100,000 draws a copy is 256 MB. */
export function sortColumns(columns: Float32Array, draws: number): void {
  for (let start = 0; start < columns.length; start += draws) sortFloats(columns.subarray(start, start + draws));
}
