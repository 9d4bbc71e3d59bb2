import { describe, expect, it } from 'vitest';
import { SELF_CHECKS, type NoiseAttackRecord, type PgdRecord } from '../../src/shared/results.ts';
import { selfChecksOf } from '../../src/main/workbench/selfChecks.ts';
import { tinyConfig } from './tinyExperiment.ts';

const config = tinyConfig({ pgd: { steps: 50, epsilon: 0.1 }, noiseAttack: { epsilon: 0.1 } });

/** A robust instance whose attack went as it should. */
const SOUND: PgdRecord = {
  datasetIndex: 0,
  label: 1,
  robust: true,
  brokenAtStep: null,
  perturbationNorm: null,
  perturbation: null,
  zeroGradientShare: 0,
  lossStart: -5,
  lossHalf: -3,
  lossEnd: -2.9,
};
const brokenAt = (step: number): Partial<PgdRecord> => ({
  robust: false,
  brokenAtStep: step,
  perturbationNorm: 0.1,
  lossHalf: step < 25 ? null : -1,
  lossEnd: null,
});

/** `count` sound instances, and those that are changed behind them. */
function records(count: number, ...changes: readonly Partial<PgdRecord>[]): PgdRecord[] {
  const changed = [...Array.from({ length: count }, () => ({})), ...changes];
  return changed.map((change, datasetIndex) => ({ ...SOUND, ...change, datasetIndex }));
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

const noiseOf = (...robust: readonly boolean[]): NoiseAttackRecord[] =>
  robust.map((stands, datasetIndex) => ({
    datasetIndex,
    label: 1,
    robust: stands,
    brokenAtDraw: stands ? null : 3,
    perturbationNorm: stands ? null : 0.1,
    perturbation: null,
  }));

const findings = (pgd: readonly PgdRecord[], noise: readonly NoiseAttackRecord[] = [], settings = config) =>
  selfChecksOf(settings, { pgd, noise }).findings;

describe('self-checks', () => {
  it('have nothing to say where nothing was attacked', () => {
    expect(selfChecksOf(config, { pgd: [], noise: [] })).toEqual({ made: [], findings: [] });
    expect(selfChecksOf(config, { pgd: records(0, brokenAt(0)), noise: [] })).toEqual({ made: [], findings: [] });
  });

  it('pass for an attack that went as it should, each with a sentence and what to try otherwise', () => {
    const pgd = records(20, brokenAt(0), brokenAt(3), brokenAt(20));
    const { made, findings: found } = selfChecksOf(config, { pgd, noise: noiseOf(...times(23, true)) });
    expect(found).toEqual([]);
    expect(made).toEqual(Object.keys(SELF_CHECKS));
  });

  it.each([
    ['a hundredth of the steps or less', times(10, { zeroGradientShare: 0.02 }), false],
    ['more', times(10, { zeroGradientShare: 0.03 }), true],
    ['one instance entirely', [{ zeroGradientShare: 1 }], true],
  ])('on zero gradients: %s', (_, changes, isFound) => {
    const finding = { check: 'zero-gradients', hits: changes.length, total: 10 + changes.length };
    expect(findings(records(10, ...changes))).toEqual(isFound ? [finding] : []);
  });

  it('on zero gradients leave out what was wrong without an attack', () => {
    const wrong = times(1000, brokenAt(0));
    expect(findings(records(1, { zeroGradientShare: 0.5 }, ...wrong))).toMatchObject([
      { check: 'zero-gradients', hits: 1, total: 2 },
    ]);
  });

  it('compare PGD with noise on the instances that both attacked', () => {
    const pgd = records(3, brokenAt(4));
    // The fourth, which PGD broke, was not attacked by noise: 3 are left by PGD, and 2 by noise.
    expect(findings(pgd, noiseOf(true, true, false))).toEqual([{ check: 'weaker-than-noise', hits: 1, total: 3 }]);
    expect(findings(pgd, noiseOf(true, true, true))).toEqual([]);
    // Noise found one that PGD did not, and PGD one that noise did not.
    expect(findings(pgd, noiseOf(true, true, false, true))).toEqual([]);
  });

  it('do not compare PGD with noise of a larger radius', () => {
    const wide = tinyConfig({ pgd: { steps: 50, epsilon: 0.1 }, noiseAttack: { epsilon: 0.2 } });
    expect(selfChecksOf(wide, { pgd: records(3), noise: noiseOf(true, true, false) })).toMatchObject({
      made: expect.not.arrayContaining(['weaker-than-noise']) as unknown,
      findings: [],
    });
  });

  it.each([
    ['in the first half', times(10, brokenAt(25)), 40, false],
    ['two, of however few', times(2, brokenAt(26)), 5, false],
    ['three of few', times(3, brokenAt(26)), 5, true],
    ['one in twenty', times(2, brokenAt(50)), 40, false],
    ['more', times(3, brokenAt(26)), 59, true],
  ])('on instances broken late: %s', (_, changes, total, isFound) => {
    const finding = { check: 'broken-late', hits: changes.length, total };
    expect(findings(records(total - changes.length, ...changes))).toEqual(isFound ? [finding] : []);
  });

  it.each([
    ['that ends where it began', { lossHalf: -5, lossEnd: -5 }],
    ['that ends lower', { lossHalf: -6, lossEnd: -7 }],
    ['that loses more than a tenth of its first gain', { lossHalf: -3, lossEnd: -3.21 }],
    ['that is not a number', { lossHalf: NaN, lossEnd: NaN }],
  ])('on a loss %s', (_, change) => {
    expect(findings(records(17, change, change, change))).toEqual([{ check: 'loss-not-rising', hits: 3, total: 20 }]);
    expect(findings(records(18, change, change))).toEqual([]);
    // A tenth is what a step to and fro at a maximum may cost.
    expect(findings(records(17, ...times(3, { lossHalf: -3, lossEnd: -3.19 })))).toEqual([]);
  });

  it('on losses are not made for results that have none', () => {
    const old = times(5, { lossStart: null, lossHalf: null, lossEnd: null });
    expect(selfChecksOf(config, { pgd: records(0, ...old), noise: [] }).made).toEqual([
      'zero-gradients',
      'broken-late',
    ]);
  });
});
