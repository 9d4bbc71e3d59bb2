import { describe, expect, it } from 'vitest';
import { studentTCentral, studentTQuantile } from '../../src/main/math/studentT.ts';

describe('refusals', () => {
  it.each([
    [-1, 3],
    [NaN, 3],
    [1, 0],
    [1, 2.5],
  ])('t = %s with %s degrees of freedom', (t, degrees) => {
    expect(() => studentTCentral(t, degrees)).toThrow(RangeError);
  });

  it.each([0, 1, NaN, -0.5])('confidence %s', (confidence) => {
    expect(() => studentTQuantile(confidence, 3)).toThrow('expected a number in (0, 1)');
  });
});

describe("Student's t", () => {
  // scipy 1.16: stats.t.ppf((1 + c) / 2, df)
  it.each([
    [0.95, 1, 12.706204736174694],
    [0.95, 2, 4.302652729749464],
    [0.95, 3, 3.1824463052837091],
    [0.95, 4, 2.7764451051977934],
    [0.95, 9, 2.2621571627982053],
    [0.95, 30, 2.0422724563012378],
    [0.99, 5, 4.0321429835552278],
  ])('has the quantile of scipy at %s with %i degrees of freedom', (confidence, degrees, expected) => {
    expect(studentTQuantile(confidence, degrees)).toBeCloseTo(expected, 8);
  });

  it('is the closed form of Cauchy at one degree of freedom, and that of two', () => {
    for (const t of [0, 0.3, 1, 7, 1e6]) {
      expect(studentTCentral(t, 1)).toBeCloseTo((2 / Math.PI) * Math.atan(t), 12);
      expect(studentTCentral(t, 2)).toBeCloseTo(t / Math.sqrt(2 + t * t), 12);
    }
  });
});
