import { describe, expect, test } from 'vitest';
import { balancedSubset, splitTrainValidation } from '../../src/main/data/split.ts';
import { refusalOf } from './refusal.ts';

const KEY = [1, 2] as const;
const OTHER = [1, 3] as const;
const ascending = (values: Int32Array): boolean => values.every((v, i) => i === 0 || v > values[i - 1]);

describe('splitTrainValidation', () => {
  test.each([0, 1])('refuses %i images', (count) => {
    expect(refusalOf(() => splitTrainValidation(new Int32Array(count), KEY)).got).toBe(count);
  });

  test.each([
    { count: 2, validation: 1 },
    { count: 14, validation: 1 },
    { count: 15, validation: 2 },
    { count: 6000, validation: 600 },
  ])('of $count, keeps $validation for validation; disjoint, complete, ascending', ({ count, validation }) => {
    const indices = Int32Array.from({ length: count }, (_, i) => 7 * i + 3);
    const split = splitTrainValidation(indices, KEY);
    expect(split.validation).toHaveLength(validation);
    expect(ascending(split.train) && ascending(split.validation)).toBe(true);
    expect(Int32Array.from([...split.train, ...split.validation]).sort()).toEqual(indices);
  });

  test('depends on the key and on nothing else', () => {
    const indices = Int32Array.from({ length: 1000 }, (_, i) => i);
    expect(splitTrainValidation(indices, KEY)).toEqual(splitTrainValidation(indices.slice(), [1, 2]));
    expect(splitTrainValidation(indices, KEY).validation).not.toEqual(splitTrainValidation(indices, OTHER).validation);
  });
});

describe('balancedSubset', () => {
  const classes = ['a', 'b', 'c'];
  /** 50 of each class, then 5 more of class 0. */
  const labels = Uint8Array.from({ length: 155 }, (_, i) => (i < 150 ? i % 3 : 0));
  const request = { of: 'images', labels, classes };
  const countsOf = (subset: Int32Array): number[] =>
    classes.map((_, k) => subset.filter((i) => labels[i] === k).length);

  test.each([0, -3, 2.5, 156, Number.NaN])('refuses a subset of %d', (count) => {
    expect(refusalOf(() => balancedSubset({ ...request, count }, KEY)).expected).toBe('an integer from 1 to 155');
  });

  test('refuses a class with too few, naming it, how many it has and the largest size that works', () => {
    const error = refusalOf(() => balancedSubset({ ...request, count: 152 }, KEY));
    expect(error.message).toContain('class 1 (b)');
    expect([error.got, error.expected]).toEqual([50, 'at least 51']);
    expect(error.cure).toBe('ask for at most 151');
    expect(countsOf(balancedSubset({ ...request, count: 151 }, KEY))).toEqual([51, 50, 50]);
  });

  test.each([
    { count: 1, expected: [1, 0, 0] },
    { count: 30, expected: [10, 10, 10] },
    { count: 32, expected: [11, 11, 10] },
    { count: 150, expected: [50, 50, 50] },
  ])('of $count takes $expected, the first classes getting the remainder', ({ count, expected }) => {
    const subset = balancedSubset({ ...request, count }, KEY);
    expect(countsOf(subset)).toEqual(expected);
    expect(ascending(subset)).toBe(true);
  });

  test('is random by key, and a smaller one is part of a larger one', () => {
    const large = balancedSubset({ ...request, count: 60 }, KEY);
    expect(balancedSubset({ ...request, count: 60 }, [1, 2])).toEqual(large);
    expect(balancedSubset({ ...request, count: 60 }, OTHER)).not.toEqual(large);
    const small = balancedSubset({ ...request, count: 20 }, KEY);
    expect([...small].every((index) => large.includes(index))).toBe(true);
    expect([...small]).not.toEqual([...large.subarray(0, 20)]);
  });
});
