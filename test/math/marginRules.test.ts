import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONSTRAINTS } from '../../src/shared/config.ts';
import { propagatedMargins } from '../../src/main/math/boxPropagation.ts';
import { groupSort } from '../../src/main/math/groupSort.ts';
import {
  argmax,
  headClasses,
  headInputs,
  headLogits,
  type DenseHead,
  type DenseLayerWeights,
} from '../../src/main/math/head.ts';
import { allPositive, isProof, MARGIN_RULES } from '../../src/main/math/marginRules.ts';
import type { RepresentationBox } from '../../src/main/math/representationBox.ts';
import { boxAround, HEADS, pointsOf, PROOFS, RULES } from './headsAndBoxes.ts';
import { normals, randomHead } from './heads.ts';

describe('GroupSort', () => {
  it('sorts contiguous groups ascending', () => {
    expect([...groupSort(Float64Array.of(3, 1, 2, 5), 2)]).toEqual([1, 3, 2, 5]);
    expect([...groupSort(Float64Array.of(3, 1, 2, 5), 4)]).toEqual([1, 2, 3, 5]);
    expect([...groupSort(Float64Array.of(3, 1), 1)]).toEqual([3, 1]);
  });
});

describe('interval propagation', () => {
  it('bounds the image of a box under GroupSort exactly: brute force over its corners', () => {
    const interval = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 6 }));
    fc.assert(
      fc.property(fc.array(interval, { minLength: 4, maxLength: 4 }), fc.constantFrom(1, 2, 4), (sides, groupSize) => {
        const lower = Float64Array.from(sides, ([l]) => l);
        const upper = Float64Array.from(sides, ([l, width]) => l + width);
        const corners = Array.from({ length: 16 }, (_, bits) =>
          groupSort(
            lower.map((l, i) => (bits & (1 << i) ? upper[i] : l)),
            groupSize,
          ),
        );
        const identity = { inputs: 4, outputs: 4, weight: unitRows(4, 4), bias: new Float32Array(4) };
        const bounds = unitBounds(identity, { lower, upper }, groupSize);
        for (let i = 0; i < 4; i++) {
          const [least, most] = [Math.min, Math.max].map((of) => of(...corners.map((corner) => corner[i])));
          expect(bounds.lower[i]).toBeLessThanOrEqual(least);
          expect(bounds.upper[i]).toBeGreaterThanOrEqual(most);
          // What the identity and reading the bounds as margins cost.
          expect(Math.max(least - bounds.lower[i], bounds.upper[i] - most)).toBeLessThan(1e-12);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('has the closed form of a dense layer, rounded outward by no more than its derived bound', () => {
    const [layer] = randomHead({ sizes: [64, 6], constraint: 'none', name: 'dense' }).layers;
    const centre = normals(64, 'centre');
    const lower = Float64Array.from(centre, (z) => z - 0.25);
    const upper = Float64Array.from(centre, (z) => z + 0.25);
    const bounds = unitBounds(layer, { lower, upper }, 1);
    for (let row = 0; row < 6; row++) {
      const weights = layer.weight.subarray(row * 64, (row + 1) * 64);
      const middle = weights.reduce((sum, w, i) => sum + w * centre[i], layer.bias[row]);
      const radius = weights.reduce((sum, w) => sum + 0.25 * Math.abs(w), 0);
      const slack =
        200 * Number.EPSILON * weights.reduce((sum, w, i) => sum + Math.abs(w) * (Math.abs(centre[i]) + 1), 1);
      expect(bounds.lower[row]).toBeLessThan(middle - radius + slack);
      expect(bounds.lower[row]).toBeGreaterThan(middle - radius - slack);
      expect(bounds.upper[row]).toBeGreaterThan(middle + radius - slack);
      expect(bounds.upper[row]).toBeLessThan(middle + radius + slack);
    }
  });

  it('rounds outward, exactly where float64 loses a term', () => {
    // 1 + 2^-60 − 1: the sum is 2^-60, float64 says 0 in this order.
    const head: DenseHead = {
      constraint: 'none',
      bound: 1,
      groupSize: 1,
      layers: [
        { inputs: 3, outputs: 2, weight: Float32Array.of(1, -(2 ** -60), -1, 0, 0, 0), bias: new Float32Array(2) },
      ],
    };
    const box = { median: [1, 1, 1], lower: [1, 1, 1], upper: [1, 1, 1] };
    for (const rule of ['lipschitz', 'lipschitz-l2', 'interval', 'linear'] as const) {
      expect(MARGIN_RULES[rule](head, box, 0)[1]).toBeLessThan(-(2 ** -60));
    }
  });
});

/** [rows, width], a 1 in each row that has a unit of its own. */
const unitRows = (rows: number, width: number): Float32Array =>
  Float32Array.from({ length: rows * width }, (_, at) => Number(Math.floor(at / width) === at % width));

/** Bounds of a layer's sorted units, read as margins between each unit and a logit that is 0. */
function unitBounds(
  layer: DenseLayerWeights,
  box: RepresentationBox,
  groupSize: number,
): { readonly lower: Float64Array; readonly upper: Float64Array } {
  const { outputs } = layer;
  const read = {
    inputs: outputs,
    outputs: outputs + 1,
    weight: unitRows(outputs + 1, outputs),
    bias: new Float32Array(outputs + 1),
  };
  const head: DenseHead = { constraint: 'none', bound: 1, groupSize, layers: [layer, read] };
  return {
    lower: Float64Array.from({ length: outputs }, (_, unit) => propagatedMargins(head, box, unit)[outputs]),
    upper: propagatedMargins(head, box, outputs)
      .subarray(0, outputs)
      .map((margin) => -margin),
  };
}

describe('margin rules', () => {
  it('says which verdicts are proofs', () => {
    const proofs = RULES.map((rule) => [rule, CONSTRAINTS.filter((constraint) => isProof(rule, constraint))]);
    expect(proofs).toEqual([
      ['paper', ['wn-l1']],
      ['lipschitz', [...CONSTRAINTS]],
      ['lipschitz-l2', [...CONSTRAINTS]],
      ['interval', [...CONSTRAINTS]],
      ['linear', [...CONSTRAINTS]],
    ]);
  });

  it.each(PROOFS)('$rule is below every margin at 10,000 points of the box, corners among them: $title', (entry) => {
    const { head, rule, halfWidth, title } = entry;
    const box = boxAround(head, halfWidth, title);
    const c = argmax(headLogits(head, box.median));
    const bound = MARGIN_RULES[rule](head, box, c);
    expect(bound[c]).toBe(Infinity);
    const least = new Float64Array(headClasses(head)).fill(Infinity);
    for (const z of pointsOf(box, 10_000, title)) {
      const logits = headLogits(head, z);
      logits.forEach((logit, j) => (least[j] = j === c ? Infinity : Math.min(least[j], logits[c] - logit)));
    }
    bound.forEach((margin, j) => {
      expect(margin).toBeLessThanOrEqual(least[j]);
    });
  });

  it.each(PROOFS)('$rule proves something on a small box: $title', ({ head, rule, title }) => {
    const box = boxAround(head, 1e-4, title);
    const c = argmax(headLogits(head, box.median));
    expect(allPositive(MARGIN_RULES[rule](head, box, c))).toBe(true);
  });

  it('interval is exact for one layer: the worst corner attains it', () => {
    const head = randomHead({ sizes: [40, 4], constraint: 'none', name: 'exact' });
    const { inputs, weight } = head.layers[0];
    const box = boxAround(head, 0.3, 'exact');
    const bound = MARGIN_RULES.interval(head, box, 2);
    for (const j of [0, 1, 3]) {
      const corner = box.lower.map((l, i) => (weight[2 * inputs + i] < weight[j * inputs + i] ? box.upper[i] : l));
      const logits = headLogits(head, corner);
      expect(bound[j]).toBeLessThanOrEqual(logits[2] - logits[j]);
      expect(bound[j]).toBeCloseTo(logits[2] - logits[j], 12);
    }
  });

  it('lipschitz is exact for one layer on a cube around the median: ε times the dual norm', () => {
    const head = randomHead({ sizes: [40, 4], constraint: 'none', name: 'cube' });
    const median = normals(40, 'cube').map((z) => Math.round(z * 64) / 64);
    const box = { median, lower: median.map((z) => z - 0.125), upper: median.map((z) => z + 0.125) };
    const [lipschitz, interval] = [MARGIN_RULES.lipschitz(head, box, 1), MARGIN_RULES.interval(head, box, 1)];
    for (const j of [0, 2, 3]) expect(lipschitz[j]).toBeCloseTo(interval[j], 12);
  });

  it('lipschitz-l2 is exact for one layer on a box whose sides are as the weights: the two lengths make up the sum of products', () => {
    const head = randomHead({ sizes: [40, 2], constraint: 'none', name: 'sides' });
    const { inputs, weight } = head.layers[0];
    const median = normals(40, 'sides');
    const side = Float64Array.from(median, (_, i) => Math.abs(weight[i] - weight[inputs + i]) / 8);
    // Wide on one side only: what counts is the longer one.
    const box = {
      median,
      lower: Array.from(median, (z, i) => z - side[i]),
      upper: Array.from(median, (z, i) => z + side[i] / 2),
    };
    const mirrored = {
      ...box,
      lower: Array.from(median, (z, i) => z - side[i] / 2),
      upper: Array.from(median, (z, i) => z + side[i]),
    };
    const cube = { ...box, upper: mirrored.upper };
    const exact = MARGIN_RULES.interval(head, cube, 1)[0];
    for (const one of [box, mirrored, cube]) {
      expect(MARGIN_RULES['lipschitz-l2'](head, one, 1)[0]).toBeCloseTo(exact, 12);
      expect(MARGIN_RULES['lipschitz-l2'](head, one, 1)[0]).toBeLessThanOrEqual(exact + 1e-15);
    }
  });

  it('lipschitz-l2 takes the norms of earlier layers as they are, whatever the constraint says', () => {
    const permuted = Float32Array.of(0, 3, 0, 0, 0, -3, 0.5, 0, 0, 0, 0, 0);
    const layers = [
      { inputs: 3, outputs: 4, weight: permuted, bias: new Float32Array(4) },
      { inputs: 4, outputs: 2, weight: Float32Array.of(1, 1, 0, 0, 0, 0, 1, 1), bias: Float32Array.of(50, 0) },
    ];
    const head: DenseHead = { constraint: 'spectral', bound: 1, groupSize: 2, layers };
    const box = { median: [1, 1, 1], lower: [0.7, 1, 1], upper: [1, 1.4, 1] };
    const logits = headLogits(head, box.median);
    // ‖(0.3, 0.4, 0)‖ · ‖W‖ = 3 · ‖(1, 1, −1, −1)‖ = 2
    const [, margin] = MARGIN_RULES['lipschitz-l2'](head, box, 0);
    expect(margin).toBeCloseTo(logits[0] - logits[1] - 0.5 * 3 * 2, 7);
    expect(margin).toBeLessThan(logits[0] - logits[1] - 0.5 * 3 * 2);
  });

  it.each(['spectral', 'bjorck'] as const)('lipschitz-l2 is above lipschitz on a deep %s head', (constraint) => {
    const head = randomHead({ sizes: [64, 64, 64, 64, 10], constraint, name: constraint });
    const box = boxAround(head, 0.05, constraint);
    const [l2, l1] = [MARGIN_RULES['lipschitz-l2'](head, box, 0), MARGIN_RULES.lipschitz(head, box, 0)];
    for (let j = 1; j < 10; j++) expect(l2[j]).toBeGreaterThan(l1[j]);
  });

  it('paper subtracts twice the box radius times the product of the bounds', () => {
    const head = { ...randomHead({ sizes: [6, 4, 3], constraint: 'wn', name: 'paper' }), bound: 3 };
    const median = Float32Array.of(1, 2, -1, 0, 0.5, 0.25);
    const box = {
      median,
      lower: median.map((z) => z - 0.25),
      upper: median.map((z, i) => z + (i === 2 ? 0.5 : 0.125)),
    };
    const logits = headLogits(head, median);
    const c = argmax(logits);
    MARGIN_RULES.paper(head, box, c).forEach((margin, j) => {
      if (j !== c) expect(margin).toBeCloseTo(logits[c] - logits[j] - 2 * 0.5 * 9, 12);
    });
  });

  it('paper under wn is no proof: a row of L2 norm 1 moves by √n times the box radius', () => {
    const n = 16;
    const weight = new Float32Array(2 * n).fill(0.25, 0, n).fill(-0.25, n);
    const layers = [{ inputs: n, outputs: 2, weight, bias: new Float32Array(2) }];
    const head: DenseHead = { constraint: 'wn', bound: 1, groupSize: 2, layers };
    const median = new Float32Array(n).fill(0.5);
    const box = { median, lower: new Float32Array(n).fill(-0.5), upper: new Float32Array(n).fill(1.5) };
    expect(allPositive(MARGIN_RULES.paper(head, box, 0))).toBe(true);
    expect(argmax(headLogits(head, box.lower))).toBe(1);
    expect(allPositive(MARGIN_RULES.interval(head, box, 0))).toBe(false);
  });

  it('paper under wn-l1 holds a row to what it really is when that is above the bound', () => {
    const weight = Float32Array.of(3, 0, -3, 0);
    const layers = [{ inputs: 2, outputs: 2, weight, bias: new Float32Array(2) }];
    const head: DenseHead = { constraint: 'wn-l1', bound: 1, groupSize: 2, layers };
    const box = { median: [1, 0], lower: [-0.5, 0], upper: [2.5, 0] };
    expect(allPositive(MARGIN_RULES.paper(head, box, 0))).toBe(false);
  });

  it.each(['spectral', 'bjorck'] as const)(
    'paper under %s holds a layer to what its norm really is when that is above the bound, and is no proof',
    (constraint) => {
      const layers = [{ inputs: 2, outputs: 2, weight: Float32Array.of(3, 0, -3, 0), bias: Float32Array.of(40, 0) }];
      const head: DenseHead = { constraint, bound: 1, groupSize: 2, layers };
      const box = { median: [1, 0], lower: [-0.5, 0], upper: [2.5, 0] };
      // ‖W‖₂ = 3√2
      expect(MARGIN_RULES.paper(head, box, 0)[1]).toBeCloseTo(46 - 2 * 1.5 * 3 * Math.SQRT2, 6);
      expect(MARGIN_RULES.paper({ ...head, bound: 5 }, box, 0)[1]).toBeCloseTo(46 - 2 * 1.5 * 5, 6);
      expect(isProof('paper', constraint)).toBe(false);
    },
  );

  it('calls margins positive only if all are numbers above 0', () => {
    expect(allPositive(Float64Array.of(Infinity, 2 ** -1074))).toBe(true);
    for (const margin of [0, -0, -1, NaN, -Infinity])
      expect(allPositive(Float64Array.of(Infinity, margin, 1))).toBe(false);
  });

  it('proves nothing from weights or boxes that are not finite', () => {
    for (const { head } of HEADS.filter((entry) => entry.head.constraint === 'wn-l1')) {
      const nan = new Float32Array(headInputs(head)).fill(NaN);
      for (const rule of RULES) {
        expect(allPositive(MARGIN_RULES[rule](head, { median: nan, lower: nan, upper: nan }, 0))).toBe(false);
        const [zero, infinite] = [nan.map(() => 0), nan.map(() => Infinity)];
        expect(allPositive(MARGIN_RULES[rule](head, { median: zero, lower: zero, upper: infinite }, 0))).toBe(false);
      }
    }
  });

  it('the margins of every rule fall as the box grows', () => {
    for (const { head, title } of HEADS.filter((entry) => entry.head.constraint !== 'none')) {
      for (const rule of RULES) {
        const margins = [0, 0.01, 0.1, 1].map((halfWidth) =>
          MARGIN_RULES[rule](head, boxAround(head, halfWidth, title), 0),
        );
        for (let i = 1; i < margins.length; i++) {
          margins[i].forEach((margin, j) => {
            if (j !== 0) expect(margin).toBeLessThan(margins[i - 1][j]);
          });
        }
      }
    }
  });
});
