import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { falsify, marginUpperAt, type FloatBox } from '../../src/main/math/falsification.ts';
import { argmax, headLogits, type DenseHead } from '../../src/main/math/head.ts';
import { allPositive, MARGIN_RULES } from '../../src/main/math/marginRules.ts';
import { boxAround, cornersOf, pointsOf } from './headsAndBoxes.ts';
import { randomHead } from './heads.ts';

const SEARCH = { restarts: 4, steps: 20, key: [1, 2] };

/** A random head with a box around a point, in which c wins at that point. */
const headAndBox = fc
  .record({
    hidden: fc.constantFrom(0, 1, 3),
    groupSize: fc.constantFrom(2, 4),
    halfWidth: fc.constantFrom(0.03, 0.1, 0.2, 0.5),
    name: fc.nat(1e6),
  })
  .map(({ hidden, groupSize, halfWidth, name }) => {
    const head = randomHead({ sizes: [6, ...Array<number>(hidden).fill(8), 4], constraint: 'wn', groupSize, name });
    const box = boxAround(head, halfWidth, String(name));
    return { head, box, c: argmax(headLogits(head, box.median)) };
  });

/** The least margin of c among the corners and 500 points of a box. */
function leastMargin(head: DenseHead, box: FloatBox, c: number): number {
  let least = Infinity;
  for (const z of [...cornersOf(box), ...pointsOf(box, 500, 'inside')]) {
    const logits = headLogits(head, z);
    least = Math.min(least, ...logits.map((logit, j) => (j === c ? Infinity : logits[c] - logit)));
  }
  return least;
}

describe('a falsifying point', () => {
  it('lies in the box and has another prediction; none is found where the margin is proved positive', () => {
    const outcomes = { found: 0, proved: 0 };
    fc.assert(
      fc.property(headAndBox, ({ head, box, c }) => {
        const found = falsify(head, box, { ...SEARCH, c });
        if (allPositive(MARGIN_RULES.linear(head, box, c))) {
          expect(found).toBeNull();
          outcomes.proved++;
        }
        if (found === null) return;
        outcomes.found++;
        const { point, rival, marginUpper } = found;
        expect(point).toBeInstanceOf(Float32Array);
        point.forEach((z, i) => {
          expect(z).toBeGreaterThanOrEqual(box.lower[i]);
          expect(z).toBeLessThanOrEqual(box.upper[i]);
        });
        const logits = headLogits(head, point);
        expect(argmax(logits)).toBe(rival);
        expect(rival).not.toBe(c);
        expect(marginUpper).toBeLessThanOrEqual(0);
        expect(logits[c] - logits[rival]).toBeLessThanOrEqual(marginUpper);
        expect(marginUpper).toBe(marginUpperAt(head, point, { c, rival }));
      }),
      { seed: 6, numRuns: 300 },
    );
    expect(outcomes.found).toBeGreaterThan(40);
    expect(outcomes.proved).toBeGreaterThan(40);
  });

  it('is found for one layer exactly where there is one', () => {
    const outcomes = new Set<boolean>();
    const oneLayer = headAndBox.filter(({ head }) => head.layers.length === 1);
    fc.assert(
      fc.property(oneLayer, ({ head, box, c }) => {
        const isFound = falsify(head, box, { ...SEARCH, restarts: 0, steps: 0, c }) !== null;
        expect(isFound).toBe(leastMargin(head, box, c) <= 0);
        outcomes.add(isFound);
      }),
      { seed: 7, numRuns: 200 },
    );
    expect(outcomes.size).toBe(2);
  });

  it('is found for deep heads wherever brute force over all corners and many points finds one', () => {
    let falsified = 0;
    const deep = headAndBox.filter(({ head }) => head.layers.length > 1);
    fc.assert(
      fc.property(deep, ({ head, box, c }) => {
        if (leastMargin(head, box, c) > -1e-12) return;
        falsified++;
        expect(falsify(head, box, { ...SEARCH, c })).not.toBeNull();
      }),
      { seed: 8, numRuns: 300 },
    );
    expect(falsified).toBeGreaterThan(40);
  });

  it('is the same for the same key', () => {
    const head = randomHead({ sizes: [6, 8, 8, 4], constraint: 'wn', name: 'key' });
    const box = boxAround(head, 1, 'key');
    const c = argmax(headLogits(head, box.median));
    const found = falsify(head, box, { ...SEARCH, c });
    expect(found).not.toBeNull();
    expect(falsify(head, box, { ...SEARCH, c })).toEqual(found);
  });

  it('is no tie: a margin that is 0 is not proved to be at most 0', () => {
    const layers = [{ inputs: 1, outputs: 2, weight: Float32Array.of(1, -1), bias: new Float32Array(2) }];
    const head: DenseHead = { constraint: 'wn', bound: 1, groupSize: 1, layers };
    const upper = Float32Array.of(2);
    expect(falsify(head, { lower: Float32Array.of(0), upper }, { ...SEARCH, c: 0 })).toBeNull();
    const identity = { inputs: 1, outputs: 1, weight: Float32Array.of(1), bias: new Float32Array(1) };
    const deep = { ...head, layers: [identity, ...layers] };
    expect(falsify(deep, { lower: Float32Array.of(0), upper }, { ...SEARCH, c: 0 })).toBeNull();
    const smallest = 2 ** -149;
    const beyond = falsify(head, { lower: Float32Array.of(-smallest), upper }, { ...SEARCH, c: 0 });
    expect(beyond).toMatchObject({ rival: 1, point: Float32Array.of(-smallest) });
  });
});
