import { describe, expect, it } from 'vitest';
import { DataError } from '../../../src/main/data/dataError.ts';
import { loadDataset } from '../../../src/main/data/loadDataset.ts';
import { prepareTransfer } from '../../../src/main/data/transfer.ts';
import { classCounts, type CountsRequest } from '../../../src/main/workbench/datasets/classCounts.ts';
import { describeDataset } from '../../../src/main/workbench/datasets/describeDataset.ts';
import { BadInput } from '../../../src/main/workbench/errors.ts';

const DATA = loadDataset('mnist', { origin: 'bundled' });
const REQUEST: CountsRequest = { trainingInstances: null, instances: null, seed: 3, domain: 'target' };

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('class counts', () => {
  it('refuse more than a class has', () => {
    expect(() => classCounts(DATA, { ...REQUEST, instances: 1001 })).toThrow(DataError);
  });

  it('refuse a name that is no set', () => {
    expect(() => describeDataset('mnst', REQUEST)).toThrow(BadInput);
  });

  it('are those of what a run of the seed trains and validates on', () => {
    const domain = { dataset: 'mnist', trainingInstances: 500 } as const;
    const run = prepareTransfer(
      { source: domain, target: { ...domain, size: 'source' }, seed: 3 },
      { origin: 'bundled' },
    );
    const counts = classCounts(DATA, { ...REQUEST, trainingInstances: 500 });
    for (const [of, counted] of [
      [run.target.train, counts.training],
      [run.target.validation, counts.validation],
    ] as const) {
      const labels = of.labels(Int32Array.from({ length: of.count }, (_, i) => i));
      expect(counted).toEqual(DATA.classes.map((_, label) => labels.filter((other) => other === label).length));
    }
    expect(counts.training.map((count, label) => count + counts.validation[label])).toEqual(new Array(10).fill(50));
  });

  it('of evaluated images are balanced, 1000 where there are as many', () => {
    expect(classCounts(DATA, REQUEST).evaluated).toEqual(new Array(10).fill(100));
    expect(classCounts(DATA, { ...REQUEST, instances: 95 }).evaluated).toEqual([10, 10, 10, 10, 10, 9, 9, 9, 9, 9]);
  });

  it('of evaluated images are as many as are balanced where 1000 are not', () => {
    const test = { images: DATA.test.images, labels: DATA.test.labels.slice(0, 300) };
    const { evaluated, test: all } = classCounts({ ...DATA, test }, REQUEST);
    expect(sum(all)).toBe(300);
    expect(Math.max(...evaluated) - Math.min(...evaluated)).toBeLessThanOrEqual(1);
    expect(Math.min(...evaluated)).toBe(Math.min(...all));
  });
});
