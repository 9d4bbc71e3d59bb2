import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../src/main/engine/context.ts';
import { Passes, type Pass } from '../../src/main/engine/passes.ts';

const outOfMemory = (): Error => new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[9]');

/** Passes of at most `rows`, with memory for `enough` of them. */
function passesOn(enough: number, rows: number) {
  const made: Pass[] = [];
  const notices: string[] = [];
  const counts = { tried: 0, released: 0, breaths: 0 };
  const passes = new Passes(
    { rows, of: 'noise draws', release: () => counts.released++ },
    {
      ...QUIET,
      breathe: () => {
        counts.breaths++;
        return Promise.resolve();
      },
      notice: (text) => notices.push(text),
    },
  );
  const pass = (one: Pass): Promise<void> => {
    counts.tried++;
    if (one.rows > enough) return Promise.reject(outOfMemory());
    made.push(one);
    return Promise.resolve();
  };
  return { passes, pass, made, notices, counts };
}

const rowsOf = (made: readonly Pass[]): number[] =>
  made.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
const upTo = (total: number): number[] => Array.from({ length: total }, (_, i) => i);

describe('passes', () => {
  it('are all of one size, the last one padded, and breathe before each', async () => {
    const { passes, pass, made, notices, counts } = passesOn(100, 100);
    await passes.over(250, pass);
    expect(made).toEqual([
      { first: 0, count: 100, rows: 100 },
      { first: 100, count: 100, rows: 100 },
      { first: 200, count: 50, rows: 100 },
    ]);
    expect(counts).toEqual({ tried: 3, released: 0, breaths: 3 });
    expect(notices).toEqual([]);
  });

  it('begin as often halved as an engine that died was, down to one row', async () => {
    for (const [halvings, rows] of [
      [1, 5],
      [2, 3],
      [9, 1],
    ]) {
      const sizes = new Set<number>();
      const passes = new Passes({ rows: 10, of: 'noise draws', release: () => undefined }, { ...QUIET, halvings });
      await passes.over(12, (pass) => Promise.resolve(void sizes.add(pass.rows)));
      expect([...sizes]).toEqual([rows]);
    }
  });

  it('halve when memory runs out, saying so, and never grow again', async () => {
    const { passes, pass, made, notices, counts } = passesOn(30, 100);
    await passes.over(120, pass);
    expect(rowsOf(made)).toEqual(upTo(120));
    expect(new Set(made.map(({ rows }) => rows))).toEqual(new Set([25]));
    expect(notices).toEqual([
      'noise draws: memory ran out in a pass of 100 rows, going on with 50 (OOM when allocating tensor with shape[9])',
      'noise draws: memory ran out in a pass of 50 rows, going on with 25 (OOM when allocating tensor with shape[9])',
    ]);
    expect(counts.released).toBe(2);
    await passes.over(60, pass);
    expect(counts.tried).toBe(2 + 5 + 3);
  });

  it('that were made before memory ran out are not made again', async () => {
    const { passes, made } = passesOn(100, 8);
    await passes.over(16, (one) => {
      if (one.first >= 8 && one.rows > 4) return Promise.reject(outOfMemory());
      made.push(one);
      return Promise.resolve();
    });
    expect(made.map(({ first, rows }) => [first, rows])).toEqual([
      [0, 8],
      [8, 4],
      [12, 4],
    ]);
  });

  it.each([2, 3, 7, 64, 100])('of %i rows come down to 1 and cover every row', async (rows) => {
    const { passes, pass, made } = passesOn(1, rows);
    await passes.over(rows + 1, pass);
    expect(rowsOf(made)).toEqual(upTo(rows + 1));
    expect(new Set(made.map((one) => one.rows))).toEqual(new Set([1]));
  });

  it('of 1 row that do not fit end with what to do', async () => {
    const { passes, pass } = passesOn(0, 4);
    await expect(passes.over(4, pass)).rejects.toThrow(
      /^noise draws: memory ran out in a pass of 1 row, .* choose a smaller extractor\.preset \(OOM when allocating/,
    );
  });

  it('pass every other error on', async () => {
    const { passes, counts } = passesOn(1, 4);
    const error = new Error('Invalid TF_Status: 3\nMessage: Incompatible shapes');
    await expect(passes.over(4, () => Promise.reject(error))).rejects.toBe(error);
    expect(counts.released).toBe(0);
  });
});

describe('gathered results', () => {
  beforeAll(async () => {
    await openBackend();
  });

  it('are those of every row in order, without the padding, and leave no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const { passes } = passesOn(100, 4);
    const { values, size } = await passes.gather(10, ({ first, rows }) => {
      // Memory runs out once, in the second pass.
      if (first === 4 && rows === 4) throw outOfMemory();
      const row = tf.range(first, first + rows);
      return tf.stack([row, tf.neg(row)], 1) as tf.Tensor2D;
    });
    expect(size).toBe(2);
    expect([...values]).toEqual(upTo(10).flatMap((i) => [i, -i]));
    expect(tf.memory().numTensors).toBe(before);
  });
});
