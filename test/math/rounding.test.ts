import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundedDown, roundedUp, sumError } from '../../src/main/math/rounding.ts';

describe('directed rounding', () => {
  it('moves down and up by what it is told, less the half rounding of moving, whatever the sign', () => {
    const values = fc.double({ min: 2 ** -900, max: 2 ** 900, noNaN: true });
    fc.assert(
      fc.property(values, fc.boolean(), fc.integer({ min: 1, max: 100 }), (magnitude, isNegative, ulps) => {
        const value = isNegative ? -magnitude : magnitude;
        // Neighbours subtract without an error; the bounds are rounded by far less than what is between them.
        for (const moved of [value - roundedDown(value, ulps), roundedUp(value, ulps) - value]) {
          expect(moved).toBeGreaterThanOrEqual((ulps - 0.5) * Number.EPSILON * magnitude * (1 - 4 * Number.EPSILON));
          expect(moved).toBeLessThanOrEqual((ulps + 0.5) * Number.EPSILON * magnitude * (1 + 4 * Number.EPSILON));
        }
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('covers one operation with 1: the exact product is on the right side', () => {
    // Large enough for the doubles beside the product to be integers.
    const factor = fc.integer({ min: 2 ** 28, max: 2 ** 53 - 1 });
    fc.assert(
      fc.property(factor, factor, (a, b) => {
        const exact = BigInt(a) * BigInt(b);
        expect(BigInt(roundedDown(a * b, 1)) < exact).toBe(true);
        expect(BigInt(roundedUp(a * b, 1)) > exact).toBe(true);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('moves even 0, which may stand for a product that underflowed', () => {
    expect(roundedDown(0, 1)).toBeLessThan(0);
    expect(roundedUp(0, 1)).toBeGreaterThan(0);
    expect(roundedUp(0, 1)).toBeLessThan(1e-290);
  });

  it('moves no NaN to a number, and no infinity to one', () => {
    expect(roundedDown(NaN, 1)).toBeNaN();
    expect(roundedDown(-Infinity, 1)).toBe(-Infinity);
    expect(roundedUp(Infinity, 1)).toBe(Infinity);
  });

  it('bounds the error of a sum of products whose terms all cancel', () => {
    const factor = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const terms = fc.array(fc.tuple(factor, factor), { minLength: 5, maxLength: 60 });
    let inexact = 0;
    fc.assert(
      fc.property(terms, (products) => {
        // Negated products are rounded alike, so the exact sum of what is added is 0.
        const cancelling = [...products, ...products.map(([a, b]) => [-a, b] as const)];
        let sum = 0;
        let absoluteSum = 0;
        for (const [a, b] of cancelling) {
          sum += a * b;
          absoluteSum += Math.abs(a * b);
        }
        if (sum !== 0) inexact += 1;
        expect(Math.abs(sum)).toBeLessThanOrEqual(sumError(cancelling.length + 1, absoluteSum));
      }),
      { seed: 1, numRuns: 500 },
    );
    expect(inexact).toBeGreaterThan(100);
  });
});
