import { expect, it } from 'vitest';
import { differencesOf, leavesOf } from '../../src/shared/configDifference.ts';

it('names leaves by their path, empty lists and objects too', () => {
  expect([...leavesOf({ a: 1, b: [{ c: null }, 'x'], d: [], e: {}, f: undefined })]).toEqual([
    ['a', 1],
    ['b.0.c', null],
    ['b.1', 'x'],
    ['d', []],
    ['e', {}],
  ]);
});

it('finds what is changed, missing and more, and nothing between a config and its copy', () => {
  const config = { name: 'a', heads: [{ layers: 1 }], pgd: { steps: 3 } };
  expect(differencesOf(config, structuredClone(config))).toEqual([]);
  expect(differencesOf(config, { name: 'b', heads: [{ layers: 1 }, { layers: 4 }] })).toEqual([
    { path: 'name', mine: 'a', other: 'b' },
    { path: 'pgd.steps', mine: 3, other: undefined },
    { path: 'heads.1.layers', mine: undefined, other: 4 },
  ]);
});
