import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, headInputs, headLogits, type DenseHead } from '../../../src/main/math/head.ts';
import { linearAnalysisOver, linearMarginsOver } from '../../../src/main/math/linearBounds/linearMargins.ts';
import { allPositive, MARGIN_RULES } from '../../../src/main/math/marginRules.ts';
import { fixture } from '../fixture.ts';
import { boxAround, cornersOf, pointsOf } from '../headsAndBoxes.ts';
import { randomHead } from '../heads.ts';
import { referenceMargins } from './reference.ts';

interface ReferenceCase {
  readonly groupSize: number;
  readonly layers: readonly { inputs: number; outputs: number; weight: number[]; bias: number[] }[];
  readonly lower: number[];
  readonly upper: number[];
  readonly c: number;
  readonly rivals: readonly number[];
  /** CROWN's bounds and the true minima, one for each rival. */
  readonly crown: readonly number[];
  readonly exact: readonly number[];
}

const REFERENCES = (fixture('linear') as ReferenceCase[]).map((reference) => {
  const layers = reference.layers.map(({ inputs, outputs, weight, bias }) => ({
    inputs,
    outputs,
    weight: Float32Array.from(weight),
    bias: Float32Array.from(bias),
  }));
  const head: DenseHead = { constraint: 'none', bound: 1, groupSize: reference.groupSize, layers };
  const width = reference.upper[0] - reference.lower[0];
  return { ...reference, head, title: `${layers.length} layers, groups of ${head.groupSize}, width ${width}` };
});

describe('linear bounds', () => {
  // Both compute in float64, hundreds of operations on numbers about 1.
  const CLOSE = 1e-9;
  it.each(REFERENCES)('are those of another CROWN: $title', ({ head, lower, upper, c, rivals, crown }) => {
    const margins = linearMarginsOver(head, c)({ lower, upper });
    rivals.forEach((j, i) => {
      // Where CROWN's lines prove nothing, better ones are looked for.
      if (crown[i] > 0) expect(Math.abs(margins[j] - crown[i])).toBeLessThan(CLOSE);
      else expect(margins[j]).toBeGreaterThan(crown[i] - CLOSE);
    });
  });

  it.each(REFERENCES)('are below the true minimum by mixed-integer programming: $title', (reference) => {
    const { head, lower, upper, c, rivals, exact } = reference;
    const margins = linearMarginsOver(head, c)({ lower, upper });
    // HiGHS stops at 1e-6.
    rivals.forEach((j, i) => {
      expect(margins[j]).toBeLessThan(exact[i] + 1e-6);
      if (head.layers.length === 1) expect(margins[j]).toBeGreaterThan(exact[i] - 1e-6);
    });
  });

  // Widths that are no multiples of what is computed at a time, and groups whose stages follow one another.
  it.each([
    { sizes: [128, 128, 128, 10], groupSize: 2 },
    { sizes: [33, 30, 18, 3], groupSize: 3 },
    { sizes: [7, 24, 36, 24, 5], groupSize: 6 },
    { sizes: [6, 16, 2], groupSize: 8 },
  ])('are those of the method written out: $sizes, groups of $groupSize', ({ sizes, groupSize }) => {
    for (const [halfWidth, constraint] of [
      [0.002, 'none'],
      [0.01, 'wn'],
      [0.05, 'wn'],
      [0.3, 'wn-l1'],
    ] as const) {
      const head = randomHead({ sizes, constraint, groupSize, name: sizes.join() });
      const box = boxAround(head, halfWidth, sizes.join());
      const c = argmax(headLogits(head, box.median));
      const plain = referenceMargins(head, { lower: [...box.lower], upper: [...box.upper] }, c);
      const [margins, interval] = [linearMarginsOver(head, c)(box), MARGIN_RULES.interval(head, box, c)];
      margins.forEach((margin, j) => {
        if (j === c) return;
        const best = Math.max(plain[j], interval[j]);
        if (plain[j] > 0) expect(Math.abs(margin - best)).toBeLessThan(CLOSE);
        else expect(margin).toBeGreaterThan(best - CLOSE);
      });
    }
  });

  it('finds lines that are better than those of least area where these prove nothing', () => {
    const gained = REFERENCES.flatMap(({ head, lower, upper, c, rivals, crown }) => {
      const margins = linearMarginsOver(head, c)({ lower, upper });
      return rivals.filter((j, i) => crown[i] < 0 && margins[j] > crown[i] + 1e-3);
    });
    expect(gained.length).toBeGreaterThan(0);
  });
});

/** Any head: 1 to 4 layers, any group size, any box from a point to one that nothing is proved on. */
const headAndBox = fc
  .record({
    hidden: fc.integer({ min: 0, max: 3 }),
    groupSize: fc.constantFrom(1, 2, 4, 8),
    constraint: fc.constantFrom('none', 'wn', 'wn-l1'),
    halfWidth: fc.constantFrom(0, 1e-3, 0.03, 0.1, 0.3, 1),
    name: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ hidden, groupSize, constraint, halfWidth, name }) => {
    const head = randomHead({ sizes: [6, ...Array<number>(hidden).fill(8), 4], constraint, groupSize, name });
    const box = boxAround(head, halfWidth, String(name));
    return { head, box, c: argmax(headLogits(head, box.median)) };
  });

describe('the rule `linear`', () => {
  it('is nowhere looser than `interval`', () => {
    let tighter = 0;
    fc.assert(
      fc.property(headAndBox, ({ head, box, c }) => {
        const [linear, interval] = [MARGIN_RULES.linear(head, box, c), MARGIN_RULES.interval(head, box, c)];
        linear.forEach((margin, j) => {
          expect(margin).toBeGreaterThanOrEqual(interval[j]);
          if (margin > interval[j] + 1e-6) tighter++;
        });
        expect(linear[c]).toBe(Infinity);
        if (head.layers.length === 1) expect(linear).toEqual(interval);
      }),
      { seed: 2, numRuns: 300 },
    );
    expect(tighter).toBeGreaterThan(100);
  });

  it('is below the margin at every corner, at points inside and where a descent from its worst corner ends', () => {
    let closest = Infinity;
    fc.assert(
      fc.property(headAndBox, ({ head, box, c }) => {
        const bound = MARGIN_RULES.linear(head, box, c);
        const corners = linearAnalysisOver(
          head,
          c,
        )(box).worst.flatMap(({ corner }) => [...descent(head, { box, c, from: corner })]);
        for (const z of [...cornersOf(box), ...pointsOf(box, 200, 'inside'), ...corners]) {
          const logits = headLogits(head, z);
          logits.forEach((logit, j) => {
            if (j === c) return;
            expect(logits[c] - logit).toBeGreaterThanOrEqual(bound[j]);
            closest = Math.min(closest, logits[c] - logit - bound[j]);
          });
        }
      }),
      { seed: 3, numRuns: 300 },
    );
    // Else nothing was near enough to the bounds to contradict one.
    expect(closest).toBeLessThan(1e-12);
  });

  it('says as much of a reordered head: units of a group may trade places', () => {
    const head = randomHead({ sizes: [6, 8, 8, 3], constraint: 'none', groupSize: 4, name: 'order' });
    const [first, ...rest] = head.layers;
    const order = [2, 0, 3, 1, 5, 4, 7, 6];
    const weight = Float32Array.from(order.flatMap((row) => [...first.weight.subarray(row * 6, row * 6 + 6)]));
    const bias = Float32Array.from(order, (row) => first.bias[row]);
    const other = { ...head, layers: [{ ...first, weight, bias }, ...rest] };
    const box = boxAround(head, 0.01, 'order');
    expect(headLogits(other, box.median)).toEqual(headLogits(head, box.median));
    const [before, after] = [MARGIN_RULES.linear(head, box, 0), MARGIN_RULES.linear(other, box, 0)];
    for (const j of [1, 2]) expect(after[j]).toBeCloseTo(before[j], 9);
  });

  it('proves nothing from numbers that are not finite, wherever they are', () => {
    const head = randomHead({ sizes: [6, 8, 8, 3], constraint: 'none', name: 'broken' });
    const box = boxAround(head, 0.01, 'broken');
    const c = argmax(headLogits(head, box.median));
    expect(allPositive(MARGIN_RULES.linear(head, boxAround(head, 1e-4, 'broken'), c))).toBe(true);
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const side of ['lower', 'upper'] as const) {
        if (value === (side === 'lower' ? Infinity : -Infinity)) continue;
        const broken = { ...box, [side]: box[side].with(3, value) };
        expect(allPositive(MARGIN_RULES.linear(head, broken, c)), `${side} ${value}`).toBe(false);
      }
      for (const at of [0, 1, 2]) {
        const layers = head.layers.map((layer, i) =>
          i === at ? { ...layer, weight: layer.weight.map(() => value) } : layer,
        );
        expect(allPositive(MARGIN_RULES.linear({ ...head, layers }, box, c)), `layer ${at}, ${value}`).toBe(false);
      }
    }
  });

  it('rounds outward: below the margin of a point, at any scale', () => {
    for (const scale of [2 ** -60, 1, 2 ** 60]) {
      const base = randomHead({ sizes: [6, 8, 8, 3], constraint: 'none', name: 'scaled' });
      const layers = base.layers.map((layer, i) =>
        i === 2
          ? { ...layer, weight: layer.weight.map((w) => w * scale), bias: layer.bias.map((b) => b * scale) }
          : layer,
      );
      const head = { ...base, layers };
      const { median } = boxAround(head, 0, 'point');
      const logits = headLogits(head, median);
      MARGIN_RULES.linear(head, { median, lower: median, upper: median }, 0).forEach((margin, j) => {
        if (j === 0) return;
        expect(margin).toBeLessThan(logits[0] - logits[j]);
        // 3 layers of at most 8 terms about 1: a hundred roundings each, well under 1e4 · EPS.
        expect(margin).toBeGreaterThan(logits[0] - logits[j] - 1e4 * Number.EPSILON * scale);
      });
    }
  });
});

/** Corners that a point visits when each coordinate in turn goes to the side with the smaller margin to some rival. */
function* descent(
  head: DenseHead,
  { box, c, from }: { box: ReturnType<typeof boxAround>; c: number; from: Float64Array },
): Generator<Float64Array> {
  const smallest = (z: Float64Array): number => {
    const logits = headLogits(head, z);
    return Math.min(...logits.map((logit, j) => (j === c ? Infinity : logits[c] - logit)));
  };
  const z = Float64Array.from(from);
  for (let i = 0; i < headInputs(head); i++) {
    const sides = [box.lower[i], box.upper[i]].map((value) => z.with(i, value));
    const best = smallest(sides[0]) < smallest(sides[1]) ? sides[0] : sides[1];
    z.set(best);
    yield Float64Array.from(z);
  }
}
