import { describe, expect, it } from 'vitest';
import type { EnginesBackend } from '../../src/main/engine/process/engines.ts';
import { arithmeticText } from '../../src/main/workbench/engineText.ts';
import { holds, type Verification } from '../../src/main/workbench/verifyRun.ts';
import { EARLIER, ENGINE } from './enginesBackend.ts';

/** All but some of 10 certificates equal bit for bit. */
const redrawn = (madeOn: EnginesBackend, sameOutcome: number): Verification => ({
  run: 1,
  rechecked: 10,
  disagreements: [],
  redraw: {
    engine: arithmeticText(ENGINE),
    madeOn: arithmeticText(madeOn),
    certificates: 10,
    identical: 10 - sameOutcome,
    sameOutcome,
    disagreements: [],
  },
});

describe('certificates that are drawn again', () => {
  it('need equal bits where engine and arithmetic are those that made them', () => {
    expect(holds(redrawn(ENGINE, 0))).toBe(true);
    expect(holds(redrawn(ENGINE, 1))).toBe(false);
  });

  it.each([
    ['another machine', { ...ENGINE, devices: ['CPU: y'] }],
    ['another TensorFlow', { ...ENGINE, tensorflowVersion: '2.20.0' }],
    ['another backend', { ...ENGINE, name: 'wasm' as const }],
    ['a version whose sums went in another order', EARLIER],
  ])('need equal outcomes where they are of %s', (_title, madeOn) => {
    expect(holds(redrawn(madeOn, 1))).toBe(true);
    const different = redrawn(madeOn, 0);
    const problem = {
      domain: 'target',
      head: 'h',
      datasetIndex: 1,
      method: 'label',
      rule: null,
      problem: 'p',
    } as const;
    expect(holds({ ...different, redraw: { ...different.redraw!, disagreements: [problem] } })).toBe(false);
  });
});
