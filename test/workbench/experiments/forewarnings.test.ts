import { describe, expect, it } from 'vitest';
import { ceilingText, forewarnings, radiusCeilings } from '../../../src/main/workbench/experiments/forewarnings.ts';
import { loadExperiment } from '../../../src/main/workbench/presets.ts';

const warned = (...assignments: string[]): string[] => forewarnings(loadExperiment('demo', assignments));
const procedure = (part: string, name: string): string => `training.${part}.procedure=${name}`;

describe('a warning before the run', () => {
  it('says that no training sees the noise of the certification, what they see, and what helps', () => {
    expect(warned('certification.sigma=0.25')).toEqual([
      'certification.sigma is 0.25, and no training sees noise of that σ (extractor: "noise" at epsilon 0.1; heads: "noise" at epsilon 0.1), ' +
        'so certificates will reach less far than they could; train the extractor with "gaussian", or give heads a drawBank',
    ]);
  });

  it.each([
    ['the extractor', [procedure('source', 'gaussian')]],
    ['the heads', [procedure('heads', 'gaussian')]],
    ['smoothed adversarial training', [procedure('source', 'adv-s')]],
    ['a draw bank', ['heads=[{"layers":1,"constraint":"none","drawBank":{}}]']],
    ['no certification', ['certification.enabled=false']],
  ])('is not needed with %s', (_, assignments) => expect(warned(...assignments)).toEqual([]));

  it.each([
    ['gaussian', ['training.source.sigma=0.3', procedure('source', 'gaussian')]],
    ['a draw bank', ['heads=[{"layers":1,"constraint":"none","drawBank":{"sigma":0.3}}]']],
    [
      'a procedure that no head is trained by',
      [procedure('heads', 'gaussian'), 'heads=[{"layers":1,"constraint":"none","drawBank":{"sigma":0.3}}]'],
    ],
  ])('is given where the σ is another one: %s', (_, assignments) => expect(warned(...assignments)).toHaveLength(1));
});

describe('the largest radius before the run', () => {
  it('is said of every method of the config, in normalised units and in σ', () => {
    const config = loadExperiment('demo', ['certification.methods=["label","representation"]']);
    // σ·Φ⁻¹(1e-4^(1/500)) and, with D = 128, −σ·Φ⁻¹(1 − (1e-4/256)^(1/500)).
    expect(ceilingText(config, 10)).toBe(
      'n = 500 draws at α = 0.0001 and σ = 0.1 certify at most, in normalised units: label 0.209 (2.09 σ), representation 0.189 (1.89 σ)',
    );
  });

  it('is nothing without certificates', () => {
    const config = loadExperiment('demo', ['certification.enabled=false']);
    expect(ceilingText(config, 10)).toBeNull();
    expect(radiusCeilings(config, 10)).toBeNull();
  });
});
