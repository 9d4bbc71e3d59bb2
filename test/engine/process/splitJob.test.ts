import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/main/engine/process/protocol.ts';
import { instancesOf, splitJob } from '../../../src/main/engine/process/splitJob.ts';

// What a job computes with has no part in how it is divided.
const job = (of: object): Job => ({ transfer: null, config: null, extractor: {}, domain: 'target', ...of }) as never;
const jobs = (count: number): Job[] => {
  const indices = Int32Array.from({ length: count }, (_, i) => 10 * i);
  return [
    job({ kind: 'predict', heads: [], indices }),
    job({ kind: 'pgd', head: null, indices }),
    job({ kind: 'adversarial-search', head: null, indices }),
    ...['certify', 'noise-attack'].map((kind) =>
      job({
        kind,
        heads: [],
        instances: Array.from(indices, (datasetIndex) => ({ datasetIndex, heads: [`${datasetIndex}`] })),
      }),
    ),
  ];
};
const indicesOf = (part: Job): number[] => {
  if (part.kind === 'certify' || part.kind === 'noise-attack') {
    return part.instances.map(({ datasetIndex }) => datasetIndex);
  }
  if ('indices' in part) return [...part.indices];
  return expect.unreachable();
};

describe('splitJob', () => {
  it('gives every instance to exactly one engine, as many to each, in their order, and changes nothing else', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 9 }), (count, engines) => {
        for (const whole of jobs(count)) {
          const parts = splitJob(whole, engines);
          expect(parts).toHaveLength(Math.max(1, Math.min(count, engines)));
          const dealt = parts.map(indicesOf);
          expect(dealt.flat().sort((a, b) => a - b)).toEqual(indicesOf(whole));
          for (const one of dealt) expect(one).toEqual([...one].sort((a, b) => a - b));
          const sizes = parts.map(instancesOf);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          for (const part of parts) {
            expect({ ...part, indices: null, instances: null }).toEqual({ ...whole, indices: null, instances: null });
          }
        }
      }),
    );
  });

  it.each([3, 4])('keeps the heads that each instance lacks with it: job %i', (which) => {
    const [, second] = splitJob(jobs(5)[which], 2);
    expect(second).toMatchObject({
      instances: [
        { datasetIndex: 10, heads: ['10'] },
        { datasetIndex: 30, heads: ['30'] },
      ],
    });
  });

  it.each(['describe', 'train-extractor', 'train-heads'])('leaves %s whole', (kind) => {
    const whole = job({ kind });
    expect(splitJob(whole, 4)).toEqual([whole]);
    expect(instancesOf(whole)).toBe(0);
  });
});
