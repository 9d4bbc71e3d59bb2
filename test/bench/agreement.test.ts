import { describe, expect, it } from 'vitest';
import { relativeDifference } from '../../bench/agreement.ts';

describe('the difference of ours from the reference', () => {
  it('refuses arrays of different lengths, and none', () => {
    expect(() => relativeDifference(Float32Array.of(1), Float32Array.of(1, 2))).toThrow(/got 1 values against 2/);
    expect(() => relativeDifference(Float32Array.of(), Float32Array.of())).toThrow(/got 0 values/);
  });
  it('is in relation to the largest value of the reference', () => {
    expect(relativeDifference(Float32Array.of(0, -8), Float32Array.of(2, -8))).toBe(0.25);
  });
  it('is not a number where ours has one that is none, so that no tolerance lets it pass', () => {
    expect(relativeDifference(Float32Array.of(NaN, 1), Float32Array.of(1, 1))).toBeNaN();
  });
});
