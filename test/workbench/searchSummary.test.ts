import { describe, expect, it } from 'vitest';
import type { AdversarialSearchRecord } from '../../src/shared/results.ts';
import { searchSummary } from '../../src/main/workbench/report.ts';

const point = new Float32Array(2);
const perturbation = new Float32Array(2);

function record(change: {
  readonly predicted?: number;
  /** z_Δ; null for no representation. */
  readonly z?: number | null;
  readonly found?: boolean;
  readonly x?: number;
}): AdversarialSearchRecord {
  const { predicted = 1, z = null, found, x = 0 } = change;
  return {
    datasetIndex: 0,
    label: 1,
    predicted,
    representation: z === null ? null : { adversarialClass: 2, distanceL2: 9, distanceLinf: z, point },
    input:
      found === undefined
        ? null
        : {
            found,
            predicted: found ? 2 : 1,
            steps: 3,
            distanceL2: 9,
            distanceLinf: x,
            representationDistanceLinf: 10 * x,
            perturbation,
          },
  };
}

describe('the summary of a search', () => {
  it('counts representations among the correctly classified and inputs among representations, and averages those found', () => {
    const summary = searchSummary([
      record({ predicted: 0 }),
      record({ z: null }),
      record({ z: 1, found: true, x: 0.5 }),
      record({ z: 3, found: true, x: 1.5 }),
      record({ z: 8, found: false, x: 100 }),
    ]);
    expect(summary).toEqual({
      representations: { hits: 3, total: 4 },
      meanRepresentationDistance: 4,
      inputs: { hits: 2, total: 3 },
      meanInputDistance: 1,
      meanRepresentationDistanceOfInputs: 10,
    });
  });

  it('has null where nothing was found or looked for', () => {
    expect(searchSummary([record({ z: 1 })])).toMatchObject({ inputs: null, meanInputDistance: null });
    expect(searchSummary([record({ predicted: 0 })])).toEqual({
      representations: { hits: 0, total: 0 },
      meanRepresentationDistance: null,
      inputs: null,
      meanInputDistance: null,
      meanRepresentationDistanceOfInputs: null,
    });
    expect(searchSummary([record({ z: 1, found: false, x: 5 })])).toMatchObject({
      inputs: { hits: 0, total: 1 },
      meanInputDistance: null,
    });
  });
});
