import { expect } from 'vitest';
import type { HeadWeights } from '../../../src/shared/results.ts';
import type { HeadShape } from '../../../src/main/engine/models/headShape.ts';
import { gramOfRows, lyingDown } from '../../../src/main/math/matrix.ts';
import { spectralNormUpper } from '../../../src/main/math/spectralNorm.ts';

const FLOAT32_EPSILON = 2 ** -23;

/** A constraint on the norm, held exactly; and that nothing is given away: the norm is k, all singular values under `bjorck`. */
export function expectConstrained({ spec }: HeadShape, { layers }: HeadWeights): void {
  const { bound, constraint } = spec;
  for (const { inputs, outputs, weight } of layers) {
    const norm = spectralNormUpper({ rows: outputs, columns: inputs, values: weight });
    expect(norm).toBeLessThanOrEqual(bound);
    expect(norm).toBeGreaterThan(bound * (1 - 3e-7));
    if (constraint !== 'bjorck') continue;
    const wide = lyingDown({ rows: outputs, columns: inputs, values: weight });
    gramOfRows(wide).forEach((entry, t) => {
      const expected = t % (wide.rows + 1) === 0 ? 1 : 0;
      // Entries rounded to float32, and all of them scaled down by as much as the norm above.
      expect(Math.abs(entry / bound ** 2 - expected)).toBeLessThan(2 * 3e-7 + 2 * FLOAT32_EPSILON);
    });
  }
}
