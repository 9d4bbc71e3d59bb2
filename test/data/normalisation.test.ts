import { describe, expect, test } from 'vitest';
import { channelStatistics, normalise, radiusPixelsFrom } from '../../src/main/data/normalisation.ts';
import { refusalOf } from './refusal.ts';

const EPS = Number.EPSILON;
/** Two images of 1×2 pixels with two channels, and a third that the statistics must not see. */
const set = {
  shape: { height: 1, width: 2, channels: 2 },
  images: Uint8Array.from([0, 51, 255, 51, 0, 102, 255, 204, 9, 9, 9, 9]),
};
const FIRST_TWO = Int32Array.of(0, 1);

describe('channelStatistics', () => {
  test('refuses a channel of one value, naming it', () => {
    const flat = { ...set, images: Uint8Array.from([1, 7, 2, 7]) };
    const error = refusalOf(() => channelStatistics(flat, Int32Array.of(0)));
    expect(error.message).toContain('channel 1');
    expect(error.got).toBe(0);
  });

  test('refuses no images', () => {
    expect(refusalOf(() => channelStatistics(set, new Int32Array(0))).message).toContain('there are no images');
  });

  test('refuses an index outside the set', () => {
    for (const index of [-1, 3])
      expect(() => channelStatistics(set, Int32Array.of(index))).toThrow(/internal: .* 0 to 2/);
  });

  test('is the population mean and deviation of the chosen images, by hand', () => {
    const { mean, deviation } = channelStatistics(set, FIRST_TWO);
    // Channel 0: 0, 1, 0, 1. Channel 1: 0.2, 0.2, 0.4, 0.8, mean 0.4, variance (0.04 + 0.04 + 0 + 0.16) / 4.
    expect(mean[0]).toBe(0.5);
    expect(deviation[0]).toBe(0.5);
    expect(Math.abs(mean[1] - 0.4)).toBeLessThanOrEqual(2 * EPS * 0.4);
    expect(Math.abs(deviation[1] - Math.sqrt(0.06))).toBeLessThanOrEqual(4 * EPS);
  });

  test('loses nothing where the spread is tiny against the mean', () => {
    // One pixel in n differs by one level: deviation is √(n − 1)/n/255, lost when squares are subtracted in floats.
    const n = 1 << 20;
    const images = new Uint8Array(n).fill(254);
    images[0] = 255;
    const { deviation } = channelStatistics(
      { shape: { height: 1024, width: 1024, channels: 1 }, images },
      Int32Array.of(0),
    );
    const expected = Math.sqrt(n - 1) / n / 255;
    expect(Math.abs(deviation[0] - expected)).toBeLessThanOrEqual(4 * EPS * expected);
  });
});

describe('normalise', () => {
  const stats = channelStatistics(set, FIRST_TWO);

  test('gives (v/255 − mean)/deviation of each channel, in the order asked for', () => {
    const values = normalise(set, Int32Array.of(1, 0, 1), stats);
    const second = [-1, 0, 1, (0.8 - 0.4) / Math.sqrt(0.06)];
    const first = [-1, -0.2 / Math.sqrt(0.06), 1, -0.2 / Math.sqrt(0.06)];
    [...second, ...first, ...second].forEach((expected, i) => {
      expect(Math.abs(values[i] - expected)).toBeLessThanOrEqual(2 ** -24 * Math.abs(expected) + 4 * EPS);
    });
    expect(values).toHaveLength(12);
  });

  test('leaves the images it was measured on with mean 0 and deviation 1', () => {
    const values = normalise(set, FIRST_TWO, stats);
    for (const channel of [0, 1]) {
      const own = [...values].filter((_, i) => i % 2 === channel);
      expect(own.reduce((a, v) => a + v)).toBeCloseTo(0, 6);
      expect(own.reduce((a, v) => a + v * v, 0) / own.length).toBeCloseTo(1, 6);
    }
  });

  test('refuses an index outside the set and statistics of other channels', () => {
    expect(() => normalise(set, Int32Array.of(3), stats)).toThrow(/internal: .*got 3, expected 0 to 2/);
    const grey = { mean: Float64Array.of(0), deviation: Float64Array.of(1) };
    expect(() => normalise(set, FIRST_TWO, grey)).toThrow(/internal: .*got 1, expected 2/);
  });
});

describe('radiusPixelsFrom', () => {
  // Rounded down by a few units in the last place, so that no perturbation of that length leaves the normalised ball.
  const roundedDownFrom = (exact: number, radius: number): void => {
    expect(radius).toBeLessThan(exact);
    expect(radius).toBeGreaterThan(exact * (1 - 4 * Number.EPSILON));
  };

  test('is exact for one channel but for rounding down', () => {
    roundedDownFrom(0.75, radiusPixelsFrom(3, { deviation: Float64Array.of(0.25) }));
  });

  test('takes the smallest deviation of several, so that no direction leaves the normalised ball', () => {
    const deviation = Float64Array.of(0.5, 0.25, 0.375);
    const radius = radiusPixelsFrom(2, { deviation });
    roundedDownFrom(0.5, radius);
    deviation.forEach((scale) => {
      expect(radius / scale).toBeLessThanOrEqual(2);
    });
  });
});
