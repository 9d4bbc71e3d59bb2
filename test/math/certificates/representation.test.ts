import { describe, expect, it } from 'vitest';
import {
  representationVerdict,
  type RepresentationBoxEvidence,
} from '../../../src/main/math/certificates/representation.ts';
import type { DenseHead } from '../../../src/main/math/head.ts';
import { representationLevel, type Selection } from '../../../src/main/math/levels.ts';
import { radiusTable } from '../../../src/main/math/orderStatistics.ts';
import { NOT_FINITE, PAPER_DRAWS, radiusOrNone } from '../evidence.ts';
import { HEADS, RULES } from '../headsAndBoxes.ts';

/** h_0 = z_0, h_1 = z_1, h_2 = −4: decided by which coordinate is larger. */
const TWO_COORDINATES: DenseHead = {
  constraint: 'wn-l1',
  bound: 1,
  groupSize: 2,
  layers: [{ inputs: 2, outputs: 3, weight: Float32Array.of(1, 0, 0, 1, 0, 0), bias: Float32Array.of(0, 0, -4) }],
};
/** Class 0 by a margin of at least 1 over 1 and at least 6 over 2; exact in float32. */
const DECIDED: RepresentationBoxEvidence = {
  ...PAPER_DRAWS,
  selectionMedian: Float32Array.of(3, 0.5),
  median: Float32Array.of(3, 0),
  k: 100,
  lower: Float32Array.of(2, -0.5),
  upper: Float32Array.of(4, 1),
};
const FIELDS = ['selectionMedian', 'median', 'lower', 'upper'] as const;

describe('representation certificate', () => {
  const inPlaces = NOT_FINITE.flatMap((value) => FIELDS.map((field) => ({ value, field })));

  it.each(inPlaces)('never certifies with $value in $field', ({ value, field }) => {
    for (const rule of RULES) {
      for (const i of [0, 1]) {
        const evidence = { ...DECIDED, [field]: DECIDED[field].with(i, value) };
        const { median, lower, upper } = evidence;
        if (median[i] < lower[i] || median[i] > upper[i]) {
          expect(() => representationVerdict(evidence, TWO_COORDINATES, rule)).toThrow(/expected it in the box/);
        } else {
          const verdict = representationVerdict(evidence, TWO_COORDINATES, rule);
          expect(verdict).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
        }
      }
    }
  });

  it('never certifies with a weight or a bias that is not finite, whatever the head', () => {
    for (const { head } of HEADS.filter((entry) => entry.head.constraint === 'wn-l1')) {
      const zero = new Float32Array(12);
      const point = { ...PAPER_DRAWS, selectionMedian: zero, median: zero, k: 1, lower: zero, upper: zero };
      const small = { ...point, lower: zero.map(() => -1e-6), upper: zero.map(() => 1e-6) };
      for (const [broken, value] of head.layers.flatMap((_, at) => NOT_FINITE.map((v) => [at, v] as const))) {
        for (const field of ['weight', 'bias'] as const) {
          const layers = head.layers.map((layer, i) =>
            i === broken ? { ...layer, [field]: layer[field].with(0, value) } : layer,
          );
          for (const rule of RULES) {
            for (const evidence of [point, small]) {
              expect(representationVerdict(evidence, { ...head, layers }, rule).outcome).toBe('abstained');
            }
          }
        }
      }
    }
  });

  it('abstains where the median disagrees with the class of the selection draws', () => {
    const evidence = { ...DECIDED, selectionMedian: Float32Array.of(0, 1) };
    for (const rule of RULES) {
      expect(representationVerdict(evidence, TWO_COORDINATES, rule)).toEqual({
        outcome: 'abstained',
        predicted: 1,
        reason: 'median-disagrees',
      });
    }
  });

  it('abstains where the margin reaches 0 at a corner of the box: a tie counts for the rival', () => {
    const tied = { ...DECIDED, upper: Float32Array.of(4, 2) };
    const abstained = { outcome: 'abstained', predicted: 0, reason: 'margin-not-positive' };
    expect(representationVerdict(tied, TWO_COORDINATES, 'interval')).toEqual(abstained);
    const nextBelow = Float32Array.of(4, Math.fround(2 - 2 ** -23));
    const apart = { ...tied, upper: nextBelow };
    expect(representationVerdict(apart, TWO_COORDINATES, 'interval')).toMatchObject({
      outcome: 'certified',
      predicted: 0,
    });
  });

  it.each([
    ['separate', 1e-4 / 4],
    ['shared', 1e-4 / 8],
  ] as const)('has radius ε_k at its own level, rounded down: %s', (selection, level) => {
    expect(representationLevel({ alpha: 1e-4, selection, dimension: 2 })).toBe(level);
    const table = radiusTable(500, level);
    for (const rule of RULES) {
      let previous = Infinity;
      for (const k of [1, 2, 38, 100, table.length]) {
        const radius = radiusOrNone(representationVerdict({ ...DECIDED, selection, k }, TWO_COORDINATES, rule));
        expect(radius).toBeLessThan(0.1 * table[k - 1]);
        expect(radius).toBeGreaterThan(0.1 * table[k - 1] * (1 - 4 * Number.EPSILON));
        expect(radius).toBeLessThan(previous);
        previous = radius;
      }
      const beyond = { ...DECIDED, selection, k: table.length + 1 };
      expect(() => representationVerdict(beyond, TWO_COORDINATES, rule)).toThrow(/choose a smaller index/);
    }
  });

  it('reads the class off the median when the draws are shared, at α/2, and never looks at the others', () => {
    const shared = { ...DECIDED, selection: 'shared' as Selection, selectionMedian: new Float32Array(0) };
    const asSeparate = { ...DECIDED, selectionMedian: DECIDED.median, alpha: DECIDED.alpha / 2 };
    for (const rule of RULES) {
      const verdict = representationVerdict(shared, TWO_COORDINATES, rule);
      expect(verdict).toEqual(representationVerdict(asSeparate, TWO_COORDINATES, rule));
      expect(verdict.outcome).toBe('certified');
      const separate = representationVerdict(DECIDED, TWO_COORDINATES, rule);
      expect(radiusOrNone(verdict)).toBeLessThan(radiusOrNone(separate));
    }
  });
});
