import { describe, expect, it } from 'vitest';
import { halfOf, isRight, logOddsOf, normOf } from '../../../src/main/engine/attacks/outcome.ts';

describe('the outcome of an attack', () => {
  it('is right where the label wins, the first among equals, and never beside a logit that is no number', () => {
    expect([0, 1, 2].map((label) => isRight(Float32Array.of(1, 3, 2), label))).toEqual([false, true, false]);
    expect([0, 1, 2].map((label) => isRight(Float32Array.of(2, 2, 1), label))).toEqual([true, false, false]);
    expect([0, 1].map((label) => isRight(Float32Array.of(NaN, 1), label))).toEqual([false, false]);
  });

  it('has the log-odds log((1 − p)/p) of the softmax, also where p rounds to 0 or 1', () => {
    const logits = Float32Array.of(1, 2, 3);
    const exponentials = [...logits].map(Math.exp);
    const sum = exponentials.reduce((total, e) => total + e, 0);
    [0, 1, 2].forEach((label) => {
      const p = exponentials[label] / sum;
      expect(logOddsOf(logits, label)).toBeCloseTo(Math.log((1 - p) / p), 12);
    });
    expect(logOddsOf(Float32Array.of(1000, -1000), 0)).toBe(-2000);
    expect(logOddsOf(Float32Array.of(1000, -1000), 1)).toBe(2000);
    expect(logOddsOf(Float32Array.of(NaN, 0), 1)).toBeNaN();
  });

  it('takes the larger half of an odd number of steps, and norms in L2', () => {
    expect([1, 2, 5, 50].map(halfOf)).toEqual([1, 1, 3, 25]);
    expect(normOf(Float32Array.of(3, -4))).toBe(5);
  });
});
