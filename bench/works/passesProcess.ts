// Entry point of a process that does passes of an extractor, see passes.ts.
import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../src/main/engine/compile/compile.ts';
import type { PassesOfProcess } from './passes.ts';
import { inBfloat16, inferenceStep, requireGraph } from './steps.ts';

process.once('message', (first: PassesOfProcess) => void serve(first));
process.on('disconnect', () => process.exit());

async function serve({ batch, precision }: PassesOfProcess): Promise<void> {
  await openBackend('tensorflow');
  const step = inferenceStep(batch, precision === 'float32' ? compile : inBfloat16);
  await step.once();
  requireGraph('a pass', step);
  process.on('message', (passes: number) => void passThrough(passes));
  process.send!('ready');

  async function passThrough(passes: number): Promise<void> {
    for (let i = 0; i < passes; i++) await step.once();
    process.send!('done');
  }
}
