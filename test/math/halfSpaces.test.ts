import { solveQP } from 'quadprog';
import { describe, expect, it } from 'vitest';
import { closestAdversarials, nearestHalfSpace } from '../../src/main/math/halfSpaces.ts';
import { argmax, headInputs, headLogits, type DenseHead } from '../../src/main/math/head.ts';
import { normals, randomHead } from './heads.ts';
import { expectRefusal, rows } from './refusal.ts';

const headOf = (weights: readonly (readonly number[])[], bias: readonly number[]): DenseHead => ({
  constraint: 'none',
  bound: 1,
  groupSize: 2,
  layers: [
    {
      inputs: weights[0].length,
      outputs: weights.length,
      weight: Float32Array.from(weights.flat()),
      bias: Float32Array.from(bias),
    },
  ],
});

/** Logits with every operation rounded to float32. */
function roundedLogits({ layers: [{ inputs, outputs, weight, bias }] }: DenseHead, z: Float32Array): number[] {
  return Array.from({ length: outputs }, (_, k) => {
    const products = z.map((value, d) => weight[k * inputs + d] * value);
    return Math.fround(products.reduce((sum, product) => Math.fround(sum + product), 0) + bias[k]);
  });
}

/** The paper's problem (4) for one rival, by a solver of general quadratic programs: min ½‖δ‖₂² where w·δ + margin ≤ 0. */
function distanceByQp(
  { layers: [{ inputs, weight, bias }] }: DenseHead,
  z: Float32Array,
  c: number,
  j: number,
): number {
  const w = Array.from({ length: inputs }, (_, d) => weight[c * inputs + d] - weight[j * inputs + d]);
  const margin = w.reduce((sum, value, d) => sum + value * z[d], bias[c] - bias[j]);
  const one = <T>(values: readonly T[]): T[] => [undefined as T, ...values];
  const identity = w.map((_, row) => one(w.map((__, column) => (row === column ? 1 : 0))));
  const { solution, message } = solveQP(
    one(identity),
    one(w.map(() => 0)),
    one(w.map((value) => one([-value]))),
    one([margin]),
  );
  expect(message).toBe('');
  return Math.hypot(...solution.slice(1));
}

describe('half-spaces refuse', () => {
  const deep = randomHead({ sizes: [4, 4, 3], constraint: 'none', name: 'deep' });
  const head = randomHead({ sizes: [4, 3], constraint: 'none', name: 'flat' });
  it.each(
    rows([
      ['nearest half-space: got a head of 2 layers', () => nearestHalfSpace(deep, new Float32Array(4), 0)],
      ['nearest half-space: got class 3', () => nearestHalfSpace(head, new Float32Array(4), 3)],
      ['nearest half-space: got a representation of 5 entries', () => nearestHalfSpace(head, new Float32Array(5), 0)],
      [
        'closest adversarial representation: got a head of 2 layers',
        () => closestAdversarials(deep, new Float32Array(4)),
      ],
      ['closest adversarial representation: got 7 values', () => closestAdversarials(head, new Float32Array(7))],
    ]),
  )('$says', expectRefusal);
});

describe('the nearest half-space', () => {
  it('of two classes is the distance to the line between them', () => {
    // 3x + 4y = 10 against 0: from (2, 3) a margin of 8 over a norm of 5.
    const head = headOf(
      [
        [3, 4],
        [0, 0],
      ],
      [-10, 0],
    );
    expect(nearestHalfSpace(head, [2, 3], 0)).toEqual({ rival: 1, distance: 8 / 5 });
    // On the line, and for the class that has lost already, there is no way to go.
    expect(nearestHalfSpace(head, [2, 1], 0)).toEqual({ rival: 1, distance: 0 });
    expect(nearestHalfSpace(head, [2, 3], 1)).toEqual({ rival: 0, distance: 0 });
  });

  it('of one class alone, or of classes of equal weights, is none', () => {
    expect(nearestHalfSpace(headOf([[1, 2]], [0]), [1, 1], 0)).toBeNull();
    const equal = headOf(
      [
        [1, 2],
        [1, 2],
      ],
      [1, 0],
    );
    expect(nearestHalfSpace(equal, [1, 1], 0)).toBeNull();
    expect(closestAdversarials(equal, Float32Array.of(1, 1, -5, 3))).toEqual([null, null]);
  });

  it('passes over a class of equal weights, however close its logit is', () => {
    const head = headOf(
      [
        [1, 0],
        [1, 0],
        [-1, 0],
      ],
      [1e-6, 0, 0],
    );
    expect(nearestHalfSpace(head, [3, 7], 0)).toMatchObject({ rival: 2 });
  });

  it.each([2, 16, 64].flatMap((dimension) => [2, 10].map((classes) => ({ dimension, classes }))))(
    'is what a solver of quadratic programs finds: D = $dimension, K = $classes',
    ({ dimension, classes }) => {
      for (let trial = 0; trial < 20; trial++) {
        const name = `${dimension} ${classes} ${trial}`;
        const head = randomHead({ sizes: [dimension, classes], constraint: trial % 2 === 0 ? 'none' : 'wn', name });
        const z = normals(dimension, 'z', name);
        const c = argmax(headLogits(head, z));
        const distances = Array.from({ length: classes }, (_, j) => (j === c ? Infinity : distanceByQp(head, z, c, j)));
        const { rival, distance } = nearestHalfSpace(head, z, c)!;
        expect(rival).toBe(distances.indexOf(Math.min(...distances)));
        expect(Math.abs(distance / distances[rival] - 1)).toBeLessThan(1e-6);
      }
    },
  );
});

describe('the closest adversarial representation', () => {
  it('has another prediction in float32, and no shorter way to one than the plane', () => {
    for (const classes of [2, 10]) {
      const head = randomHead({ sizes: [64, classes], constraint: 'none', name: classes });
      const z = normals(100 * 64, 'batch', classes);
      closestAdversarials(head, z).forEach((found, row) => {
        const own = z.subarray(row * 64, (row + 1) * 64);
        const c = argmax(headLogits(head, own));
        const { rival, distance } = nearestHalfSpace(head, own, c)!;
        expect(found!.adversarialClass).toBe(rival);
        expect(argmax(headLogits(head, found!.point))).toBe(rival);
        expect(argmax(roundedLogits(head, found!.point))).not.toBe(c);
        // It is the 1e-6 past the plane, and what rounding of 64 coordinates of at most 5 adds.
        expect(found!.distanceL2).toBeGreaterThan(distance);
        expect(found!.distanceL2).toBeLessThan(distance * (1 + 2e-6) + Math.sqrt(64) * 5 * 2 ** -24);
        const delta = found!.point.map((v, d) => v - own[d]);
        expect(found!.distanceL2).toBeCloseTo(Math.hypot(...delta), 5);
        expect(found!.distanceLinf).toBeCloseTo(Math.max(...delta.map(Math.abs)), 5);
      });
    }
  });

  it('of a point so far out that the way to the plane is lost in float32 goes as far as it takes', () => {
    // Equal against 0 where x = −y; float32 has a spacing of 8 there, and the way is 4 in each coordinate.
    const head = headOf(
      [
        [1, 1],
        [0, 0],
      ],
      [0, 0],
    );
    const z = Float32Array.of(1e8, -1e8 + 8);
    expect(nearestHalfSpace(head, z, 0)!.distance).toBeCloseTo(Math.hypot(4, 4), 12);
    const [found] = closestAdversarials(head, z);
    expect(found!.adversarialClass).toBe(1);
    expect(found!.point[0] + found!.point[1]).toBeLessThan(0);
    expect(found!.distanceLinf).toBeLessThanOrEqual(16);
  });

  it.each([
    ['on the plane', [2, 1]],
    ['a float32 away from it', [2, 1 + 2 ** -23]],
  ])('of a point %s leaves it', (_, point) => {
    const head = headOf(
      [
        [3, 4],
        [0, 0],
      ],
      [-10, 0],
    );
    const [found] = closestAdversarials(head, Float32Array.from(point));
    expect(found!.adversarialClass).toBe(1);
    expect(found!.distanceL2).toBeGreaterThan(0);
    expect(found!.distanceL2).toBeLessThan(1e-6);
  });

  it('of zero, where all logits are equal, is next to it', () => {
    const head = headOf(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 0],
    );
    const [found] = closestAdversarials(head, new Float32Array(2));
    expect(found).toMatchObject({ adversarialClass: 1 });
    expect(found!.distanceL2).toBeLessThan(1e-18);
  });

  it('of a representation that is not finite is none', () => {
    const head = randomHead({ sizes: [2, 3], constraint: 'none', name: 'flat' });
    expect(closestAdversarials(head, Float32Array.of(NaN, 0, Infinity, 0))).toEqual([null, null]);
    expect(headInputs(head)).toBe(2);
  });
});
