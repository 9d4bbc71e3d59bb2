import type { SortedDraws } from '../../src/main/math/certificates/search.ts';
import { normals } from './heads.ts';

/** [D, n] sorted draws of D independent features, N(centre_i, spread²), of a named stream. */
export function sortedNormals(
  centre: ArrayLike<number>,
  { draws, spread }: { readonly draws: number; readonly spread: number },
  ...name: (string | number)[]
): SortedDraws {
  const sortedColumns = normals(centre.length * draws, 'draws', ...name).map(
    (z, at) => centre[Math.floor(at / draws)] + spread * z,
  );
  for (let i = 0; i < centre.length; i++) sortedColumns.subarray(i * draws, (i + 1) * draws).sort();
  return { sortedColumns, draws };
}
