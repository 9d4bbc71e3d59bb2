import type { Evidence } from '../../shared/results.ts';
import { StoreError } from './errors.ts';
import { dtypeOf, type Dtype, type NumericArray } from './exactValues.ts';

/** Evidence taken apart for its tables: numbers and words in one JSON object, each array on its own. */
export interface EvidenceParts {
  readonly scalars: Readonly<Record<string, unknown>>;
  readonly arrays: readonly NamedArray[];
}
export interface NamedArray {
  readonly name: string;
  readonly dtype: Dtype;
  readonly values: NumericArray;
}

type ArrayNames<E> = { [K in keyof E]: E[K] extends NumericArray ? K : never }[keyof E];
type ArrayTable = { [E in Evidence as E['method']]: Record<ArrayNames<E>, Dtype> };

/** The arrays of each method's evidence; the compiler keeps the names equal to those of the domain types. */
const ARRAYS: ArrayTable = {
  label: { selectionCounts: 'int32', counts: 'int32' },
  pairwise: { selectionWorstWins: 'int32', wins: 'int32' },
  logit: { selectionMedian: 'float32', median: 'float32', lower: 'float32', upper: 'float32' },
  representation: {
    selectionMedian: 'float32',
    median: 'float32',
    lower: 'float32',
    upper: 'float32',
    marginLower: 'float64',
  },
};

type ScalarNames<E> = Exclude<keyof E, ArrayNames<E>>;
type ScalarTable = { [E in Evidence as E['method']]: Record<ScalarNames<E>, true> };

const OF_DRAWS = {
  seed: true,
  sigma: true,
  alpha: true,
  draws: true,
  selectionDraws: true,
  selection: true,
  precision: true,
  noise: true,
  inputs: true,
  method: true,
} as const;

/** As ARRAYS for all else. A name that is none of these is what damage made of one, maybe of the seal's, without which nothing would be noticed. */
const SCALARS: ScalarTable = {
  label: OF_DRAWS,
  pairwise: OF_DRAWS,
  logit: { ...OF_DRAWS, logitTest: true, k: true },
  representation: { ...OF_DRAWS, rule: true, k: true },
};

/** @throws StoreError 'invalid' when an array is missing or of another type than its evidence declares. */
export function takeApart(evidence: Evidence): EvidenceParts {
  const scalars: Record<string, unknown> = {};
  const arrays: NamedArray[] = [];
  for (const [name, value] of Object.entries(evidence) as [string, unknown][]) {
    const dtype = dtypeOf(value);
    if (dtype === null) scalars[name] = value;
    else arrays.push({ name, dtype, values: value as NumericArray });
  }
  const wrong = firstDifference(evidence.method, arrays);
  if (wrong !== null) throw new StoreError('invalid', `internal: store ${evidence.method} evidence: ${wrong}`);
  return { scalars, arrays };
}

const ONCE_ALWAYS = { precision: 'float32', noise: 'float32', inputs: 0 } as const;

/** @throws StoreError 'damaged' when the parts are not those of the method's evidence. */
export function putTogether(parts: EvidenceParts): Evidence {
  const method = parts.scalars['method'];
  if (typeof method !== 'string' || !Object.hasOwn(ARRAYS, method)) {
    throw new StoreError(
      'damaged',
      `read evidence: got method ${JSON.stringify(method)}, expected one of ${Object.keys(ARRAYS).join(', ')}`,
    );
  }
  // Evidence from before there were other precisions, or other noise, does not name those that there were; all other keeps the order of
  // its keys.
  const missing = Object.entries(ONCE_ALWAYS).filter(([key]) => !(key in parts.scalars));
  const scalars = { ...Object.fromEntries(missing), ...parts.scalars };
  const wrong =
    firstDifference(method as Evidence['method'], parts.arrays) ??
    firstOtherName(SCALARS[method as Evidence['method']], scalars);
  if (wrong !== null) throw new StoreError('damaged', `read ${method} evidence: ${wrong}; certify the instance again`);
  const arrays = Object.fromEntries(parts.arrays.map(({ name, values }) => [name, values]));
  return { ...scalars, ...arrays } as unknown as Evidence;
}

function firstOtherName(
  expected: Readonly<Record<string, true>>,
  scalars: Readonly<Record<string, unknown>>,
): string | null {
  const names = Object.keys(expected);
  const lost = names.find((name) => !Object.hasOwn(scalars, name));
  if (lost !== undefined) return `"${lost}" is missing`;
  const surplus = Object.keys(scalars).find((name) => !Object.hasOwn(expected, name));
  return surplus === undefined ? null : `"${surplus}" is none of ${names.join(', ')}`;
}

function firstDifference(method: Evidence['method'], arrays: readonly NamedArray[]): string | null {
  const expected: Readonly<Record<string, Dtype>> = ARRAYS[method];
  for (const [name, dtype] of Object.entries(expected)) {
    const got = arrays.find((array) => array.name === name)?.dtype;
    if (got !== dtype) return `array ${name} is ${got ?? 'missing'}, expected ${dtype}`;
  }
  const surplus = arrays.find(({ name }) => !Object.hasOwn(expected, name));
  return surplus === undefined ? null : `array ${surplus.name} is none of ${Object.keys(expected).join(', ')}`;
}
