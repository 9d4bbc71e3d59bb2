import { describe, expect, test } from 'vitest';
import { loadDataset, type Dataset } from '../../src/main/data/loadDataset.ts';
import { channelStatistics } from '../../src/main/data/normalisation.ts';
import { resizeArea } from '../../src/main/data/resize.ts';
import { prepareTransfer, transferBetween, type DomainImages } from '../../src/main/data/transfer.ts';
import { refusalOf } from './refusal.ts';

const positions = ({ count }: DomainImages): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
const request = {
  source: { dataset: 'fashion-mnist', trainingInstances: null },
  target: { dataset: 'mnist', trainingInstances: 205, size: 'source' },
  seed: 5,
} as const;
const BUNDLED = { origin: 'bundled' } as const;

/** A set of `count` images of the given size whose values tell image and place apart. */
function madeUp(name: Dataset['name'], shape: Dataset['shape'], count: number): Dataset {
  const size = shape.height * shape.width * shape.channels;
  const part = {
    images: Uint8Array.from({ length: count * size }, (_, i) => (i * 31) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 2),
  };
  return { name, shape, classes: ['a', 'b'], origin: 'full', fingerprint: name, train: part, test: part };
}
const small = madeUp('fashion-mnist', { height: 2, width: 2, channels: 1 }, 20);
const large = madeUp('mnist', { height: 4, width: 6, channels: 1 }, 20);
const all = { dataset: 'mnist', trainingInstances: null } as const;

describe('prepareTransfer', () => {
  const transfer = prepareTransfer(request, BUNDLED);

  test('divides nine to one, after the subset, and keeps the whole test part in its order', () => {
    const { source, target } = transfer;
    expect([source.train.count, source.validation.count, source.test.count]).toEqual([5400, 600, 1000]);
    expect([target.train.count, target.validation.count, target.test.count]).toEqual([184, 21, 1000]);
    const { labels } = loadDataset('mnist', BUNDLED).test;
    expect([...target.test.labels(positions(target.test))]).toEqual([...labels]);
  });

  test('takes a balanced subset, the remainder from the first classes', () => {
    const { train, validation } = transfer.target;
    const labels = [...train.labels(positions(train)), ...validation.labels(positions(validation))];
    const counts = transfer.target.classNames.map((_, k) => labels.filter((label) => label === k).length);
    expect(counts).toEqual([21, 21, 21, 21, 21, 20, 20, 20, 20, 20]);
  });

  test('normalises the source’s training split to mean 0 and deviation 1, and the target by the same numbers', () => {
    const { train } = transfer.source;
    const values = train.images(positions(train));
    const n = values.length;
    const mean = values.reduce((a, v) => a + v, 0) / n;
    const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / n);
    expect(Math.abs(mean)).toBeLessThan(1e-6);
    expect(Math.abs(deviation - 1)).toBeLessThan(1e-6);
    const { images } = loadDataset('mnist', BUNDLED).test;
    const [m, s] = [transfer.statistics.mean[0], transfer.statistics.deviation[0]];
    const third = transfer.target.test.images(Int32Array.of(3));
    expect(third).toEqual(Float32Array.from(images.subarray(3 * 784, 4 * 784), (v) => (v / 255 - m) / s));
  });

  test.each(['source', 'target'] as const)('the %s is the same for the same seed and another for another', (domain) => {
    // The source is taken whole, so only its split can differ; the target's subset can, too.
    const labelsOf = (seed: number): Int32Array => {
      const { validation } = prepareTransfer({ ...request, seed }, BUNDLED)[domain];
      return validation.labels(positions(validation));
    };
    expect(labelsOf(5)).toEqual(labelsOf(5));
    expect(labelsOf(6)).not.toEqual(labelsOf(5));
  });

  test('refuses a subset that is larger than the set, naming the set', () => {
    const tooMany = { ...request, target: { ...request.target, trainingInstances: 6001 } };
    const error = refusalOf(() => prepareTransfer(tooMany, BUNDLED));
    expect(error.message).toContain('training images of mnist (bundled)');
  });
});

describe('transferBetween', () => {
  const between = (source: Dataset, target: Dataset, size: 'source' | 'native') =>
    transferBetween({ source: { ...all, data: source }, target: { ...all, data: target, size } }, 1);

  test('refuses sets of different channels, naming both', () => {
    const colour = madeUp('mnist', { height: 2, width: 2, channels: 3 }, 20);
    const error = refusalOf(() => between(small, colour, 'source'));
    expect(error.got).toBe('1 in fashion-mnist and 3 in mnist');
  });

  test.each([0, 1])('refuses a position that a part does not have (%i past either end)', (past) => {
    const { train } = between(small, large, 'source').source;
    for (const index of [-1 - past, train.count + past]) {
      expect(() => train.images(Int32Array.of(index))).toThrow(/internal/);
      expect(() => train.labels(Int32Array.of(index))).toThrow(/internal/);
    }
  });

  test('resizes the target to the source, and every batch equals its images one by one', () => {
    const { target, statistics } = between(small, large, 'source');
    expect(target.test.shape).toEqual(small.shape);
    const batch = target.test.images(Int32Array.of(4, 0, 4));
    const one = (i: number): number[] => [...target.test.images(Int32Array.of(i))];
    expect([...batch]).toEqual([...one(4), ...one(0), ...one(4)]);
    // Resizing pixels and normalising afterwards is the same but for rounding.
    const pixels = resizeArea(large.test.images.subarray(0, 24), large.shape, small.shape);
    one(0).forEach((value, i) => {
      const expected = (pixels[i] / 255 - statistics.mean[0]) / statistics.deviation[0];
      expect(Math.abs(value - expected)).toBeLessThan(1e-6);
    });
  });

  test('leaves the target its own size when native', () => {
    const { source, target } = between(small, large, 'native');
    expect([source.test.shape, target.test.shape]).toEqual([small.shape, large.shape]);
    expect(target.test.images(Int32Array.of(1, 2))).toHaveLength(48);
  });

  test('measures the source’s training split without its validation images', () => {
    const { source, statistics } = between(small, large, 'source');
    // Labels alternate and pixels are distinct by image, so the split is recovered from the normalised pixels.
    const restored = source.train
      .images(positions(source.train))
      .map((v) => Math.round((v * statistics.deviation[0] + statistics.mean[0]) * 255));
    const own = channelStatistics({ shape: small.shape, images: Uint8Array.from(restored) }, positions(source.train));
    expect(own).toEqual(statistics);
    expect(channelStatistics({ shape: small.shape, images: small.train.images }, positions(source.test))).not.toEqual(
      statistics,
    );
  });

  test('training and validation are disjoint and complete', () => {
    const { train, validation } = between(small, large, 'source').source;
    const rows = [train, validation].flatMap((part) =>
      [...positions(part)].map((i) => part.images(Int32Array.of(i)).join()),
    );
    const every = between(small, large, 'source').source.test;
    expect(rows.sort()).toEqual([...positions(every)].map((i) => every.images(Int32Array.of(i)).join()).sort());
  });
});
