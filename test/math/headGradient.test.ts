import fc from 'fast-check';
import { expect, it } from 'vitest';
import { headLogits } from '../../src/main/math/head.ts';
import { passThrough } from '../../src/main/math/headGradient.ts';
import { normals, randomHead } from './heads.ts';

it('gives the logits, and the gradient that a difference of them has around the point', () => {
  const layers = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(layers, fc.constantFrom(1, 2, 4, 8), fc.nat(1e6), (hidden, groupSize, name) => {
      const sizes = [5, ...Array<number>(hidden).fill(8), 3];
      const head = randomHead({ sizes, constraint: 'none', groupSize, name });
      const z = Float64Array.from(normals(5, 'point', name));
      const pass = passThrough(head, z);
      expect(pass.logits).toEqual(headLogits(head, z));
      const margin = (at: Float64Array): number => {
        const logits = headLogits(head, at);
        return logits[2] - logits[0];
      };
      const gradient = pass.gradient(2, 0);
      // The head is affine but where units of a group are equal: a step of 1e-7 rarely gets there, and then rounds by 1e-9.
      gradient.forEach((slope, i) => {
        const difference = margin(z.with(i, z[i] + 1e-7)) - margin(z.with(i, z[i] - 1e-7));
        expect(Math.abs(difference / 2e-7 - slope)).toBeLessThan(1e-6);
      });
    }),
    { seed: 4, numRuns: 200 },
  );
});
