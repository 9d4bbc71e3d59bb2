import { CONSTRAINTS } from '../../src/shared/config.ts';
import { headInputs, type DenseHead } from '../../src/main/math/head.ts';
import { isProof, MARGIN_RULES, type MarginRuleName } from '../../src/main/math/marginRules.ts';
import { normals, randomHead, uniforms } from './heads.ts';

/** Every rule on every kind of head; the proofs among them must survive every point of the box. */
export const HEADS: { readonly title: string; readonly head: DenseHead; readonly halfWidth: number }[] =
  CONSTRAINTS.flatMap((constraint) =>
    [
      { title: `1 layer, ${constraint}`, sizes: [12, 5], groupSize: 2 },
      { title: `2 layers, ${constraint}`, sizes: [12, 8, 5], groupSize: 4 },
      { title: `4 layers, ${constraint}`, sizes: [12, 8, 8, 8, 5], groupSize: 2 },
    ].map(({ title, sizes, groupSize }) => ({
      title,
      head: randomHead({ sizes, constraint, groupSize, name: title }),
      halfWidth: 0.05,
    })),
  );
export const RULES = Object.keys(MARGIN_RULES) as MarginRuleName[];
export const PROOFS = HEADS.flatMap((entry) =>
  RULES.filter((rule) => isProof(rule, entry.head.constraint)).map((rule) => ({ ...entry, rule })),
);

/** A box around a point where the head is decided, so that rules have something to prove. */
export function boxAround(head: DenseHead, halfWidth: number, name: string) {
  const median = normals(headInputs(head), 'median', name);
  const share = uniforms(2 * median.length, 'width', name);
  return {
    median,
    lower: median.map((z, i) => z - halfWidth * share[i]),
    upper: median.map((z, i) => z + halfWidth * share[median.length + i]),
  };
}

/** Random points of a box, every other one a corner. */
export function* pointsOf({ lower, upper }: { lower: Float32Array; upper: Float32Array }, count: number, name: string) {
  const random = uniforms(count * lower.length, 'points', name);
  for (let s = 0; s < count; s++) {
    yield Float64Array.from(lower, (l, i) => {
      const t = random[s * lower.length + i];
      return s % 2 === 0 ? (t < 0.5 ? l : upper[i]) : l + t * (upper[i] - l);
    });
  }
}

/** All 2^D corners of a box. */
export function* cornersOf({ lower, upper }: { lower: Float32Array; upper: Float32Array }) {
  for (let bits = 0; bits < 2 ** lower.length; bits++) {
    yield Float64Array.from(lower, (l, i) => (bits & (1 << i) ? upper[i] : l));
  }
}
