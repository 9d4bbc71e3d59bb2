import type { EnginesBackend } from '../../src/main/engine/process/engines.ts';

/** What runs are told to compute on, no more than a description. */
export const ENGINE: EnginesBackend = {
  name: 'tensorflow',
  tensorflowVersion: '2.21.0',
  devices: ['CPU: x'],
  threads: 2,
  simd: [],
  notChosen: [],
  seconds: 1,
  engines: 1,
  arithmetic: 2,
};

const { arithmetic: _, ...earlier } = ENGINE;
/** Of a version that did not record its arithmetic. */
export const EARLIER: EnginesBackend = earlier;
