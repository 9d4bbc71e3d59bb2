import { describe, expect, it } from 'vitest';
import { labelVerdict } from '../../../src/main/math/certificates/label.ts';
import { labelLevel } from '../../../src/main/math/levels.ts';
import {
  alphaOfTest,
  latticeSpacing,
  nearestOnLattice,
  radiusLost,
  requireNoise,
} from '../../../src/main/math/lattice/lattice.ts';
import { LARGEST_RADIUS } from '../../../src/main/math/largestRadius.ts';
import { PAPER_DRAWS } from '../evidence.ts';
import { normals } from '../heads.ts';
import { expectRefusal } from '../refusal.ts';

const ON_LATTICE = { ...PAPER_DRAWS, noise: 'lattice', inputs: 784 } as const;

describe('spacing of the lattice', () => {
  it('is the largest power of two that is at most σ·2⁻¹⁵, also next to a power of two', () => {
    expect(latticeSpacing(0.1)).toBe(2 ** -19);
    expect(latticeSpacing(0.25)).toBe(2 ** -17);
    expect(latticeSpacing(0.25 - 2 ** -54)).toBe(2 ** -18);
    for (let exponent = -100; exponent <= 60; exponent++) {
      expect(latticeSpacing(2 ** exponent)).toBe(2 ** (exponent - 15));
    }
  });

  it.each([0, -1, NaN, Infinity, 2 ** -101, 2 ** 61])('is refused for σ = %d', (sigma) => {
    expectRefusal({
      call: () => latticeSpacing(sigma),
      says: `lattice: got sigma ${sigma}, expected from 2^-100 to 2^60`,
    });
  });
});

describe('the nearest point of the lattice', () => {
  it('is a multiple of δ, a float32, and at most δ/2 away', () => {
    const sigma = 0.1;
    const spacing = latticeSpacing(sigma);
    // Images, and numbers so large that float32 itself is coarser than the lattice.
    const values = normals(4000, 'lattice', 0).map((value, i) => value * 2 ** ((i % 40) - 20));
    nearestOnLattice(values, sigma).forEach((near, i) => {
      expect(Number.isInteger(near / spacing)).toBe(true);
      expect(Math.abs(near - values[i])).toBeLessThanOrEqual(spacing / 2);
    });
  });

  it('of what is not finite is not finite', () => {
    expect(nearestOnLattice(Float32Array.of(NaN, Infinity, -Infinity), 0.1)).toEqual(
      Float32Array.of(NaN, Infinity, -Infinity),
    );
  });
});

describe('what the lattice costs a certificate', () => {
  const evidence = {
    ...ON_LATTICE,
    selectionCounts: Int32Array.of(100, 0),
    counts: Int32Array.of(490, 10),
  };

  it('is √d·δ/2 of its radius, rounded up', () => {
    expect(radiusLost(ON_LATTICE)).toBeGreaterThan(14 * 2 ** -19);
    expect(radiusLost(ON_LATTICE)).toBeLessThan(14 * 2 ** -19 * (1 + 1e-15));
    expect(radiusLost(PAPER_DRAWS)).toBe(0);
    const [on, off] = [labelVerdict(evidence), labelVerdict({ ...evidence, noise: 'float32', inputs: 0 })];
    if (on.outcome !== 'certified' || off.outcome !== 'certified') throw new Error('both are certified');
    expect(off.radiusNormalised - on.radiusNormalised).toBeGreaterThanOrEqual(14 * 2 ** -19);
    expect(off.radiusNormalised - on.radiusNormalised).toBeLessThan(14 * 2 ** -19 + 1e-12);
  });

  it('is n·d·2⁻⁷⁵ of α, rounded so that less is left', () => {
    expect(alphaOfTest({ ...ON_LATTICE, alpha: 1e-4 })).toBeLessThan(1e-4);
    expect(alphaOfTest({ ...PAPER_DRAWS, alpha: 1e-4 })).toBe(1e-4);
    const many = { ...ON_LATTICE, alpha: 1e-4, draws: 2 ** 30, inputs: 2 ** 20 };
    expect(alphaOfTest(many)).toBeLessThanOrEqual(1e-4 - 2 ** -25);
    expect(labelLevel({ ...many, classes: 2 })).toBe(alphaOfTest(many));
    expect(() => labelLevel({ ...many, alpha: 2 ** -26, classes: 2 })).toThrow("which the lattice's own error uses up");
  });

  it('leaves no certificate where the lattice may be further away than the radius', () => {
    // Enough inputs for √d·δ/2 to exceed what 490 votes prove.
    const wide = { ...evidence, inputs: 2 ** 40 };
    expect(labelVerdict(wide)).toEqual({ outcome: 'abstained', predicted: 0, reason: 'below-lattice' });
  });

  it('lowers the largest radius of every method alike', () => {
    const request = { ...ON_LATTICE, logitTest: 'pairs', classes: 10, dimension: 64 } as const;
    for (const largest of Object.values(LARGEST_RADIUS)) {
      const lost = largest({ ...request, noise: 'float32', inputs: 0 }) - largest(request);
      expect(lost).toBeGreaterThanOrEqual(14 * 2 ** -19);
      expect(lost).toBeLessThan(14 * 2 ** -19 + 1e-12);
    }
  });
});

it.each([
  { noise: 'lattice', inputs: 0 },
  { noise: 'lattice', inputs: 1.5 },
  { noise: 'float32', inputs: 3 },
  { noise: 'uniform', inputs: 1 },
])('refuses evidence of noise $noise with $inputs inputs', (facts) => {
  const draws = { ...PAPER_DRAWS, ...facts } as typeof PAPER_DRAWS;
  expectRefusal({
    call: () => requireNoise('test', draws),
    says: `test: got noise "${facts.noise}" with ${facts.inputs} inputs`,
  });
});
