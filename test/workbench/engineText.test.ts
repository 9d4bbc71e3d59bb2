import { expect, it } from 'vitest';
import type { EnginesBackend } from '../../src/main/engine/process/engines.ts';
import { arithmeticText, engineText } from '../../src/main/workbench/engineText.ts';
import { EARLIER, ENGINE } from './enginesBackend.ts';

const { tensorflowVersion: _version, ...REST } = ENGINE;
const WASM: EnginesBackend = { ...REST, name: 'wasm', engines: 2 };

it('names what a run computes on, and how many processes there are where it is not one', () => {
  expect([ENGINE, WASM].map(engineText)).toEqual([
    'tensorflow 2.21.0, CPU: x',
    'wasm, CPU: x, 2 processes side by side',
  ]);
});

it('names the arithmetic, the first where none was recorded', () => {
  expect([ENGINE, EARLIER, WASM].map(arithmeticText)).toEqual([
    'tensorflow 2.21.0 on CPU: x, arithmetic 2',
    'tensorflow 2.21.0 on CPU: x, arithmetic 1',
    'wasm on CPU: x, arithmetic 2',
  ]);
});
