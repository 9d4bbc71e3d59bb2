import { availableParallelism } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import type { OpenBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { planEngines } from '../../../src/main/engine/process/enginePlan.ts';
import { fakeMachine, type FakeMachine } from '../native/fakeMachine.ts';

const machines: FakeMachine[] = [];
afterAll(() => machines.forEach((machine) => machine.remove()));

/** A machine whose nvidia-smi lists these. */
function withGpus(models: readonly string[], env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const machine = fakeMachine();
  machines.push(machine);
  const lines = models.map((model, i) => `${i}, GPU-${'abcdef'[i]}000, ${model}`);
  if (lines.length > 0) machine.script('nvidia-smi', `cat <<'END'\n${lines.join('\n')}\nEND`);
  return { ...machine.env, ...env };
}

const backend = (facts: Partial<OpenBackend>): OpenBackend => ({
  name: 'tensorflow',
  devices: ['CPU: x'],
  threads: 2,
  simd: [],
  notChosen: [],
  seconds: 1,
  ...facts,
});
const ON_CPU = backend({ variant: 'cpu' });
const ON_CUDA = backend({ variant: 'cuda', devices: ['GPU: A', 'CPU: x'] });
/** The CUDA build where no GPU could be used. */
const CUDA_ON_CPU = backend({ variant: 'cuda' });
const ON_WASM = backend({ name: 'wasm' });

describe('the number of engines', () => {
  it('without GPUs is one on the CPU, and on wasm one for each thread that may be used, eight at most', async () => {
    const plan = await planEngines(withGpus([]));
    expect(plan.countOn(ON_CPU)).toBe(1);
    expect(plan.countOn(CUDA_ON_CPU)).toBe(1);
    expect(plan.countOn(ON_WASM)).toBe(Math.min(8, availableParallelism()));
    expect((await planEngines(withGpus([], { PTW_THREADS: '3' }))).countOn(ON_WASM)).toBe(3);
    expect((await planEngines(withGpus([], { PTW_THREADS: '64' }))).countOn(ON_WASM)).toBe(8);
  });

  it('is what PTW_ENGINES says', async () => {
    const plan = await planEngines(withGpus([], { PTW_ENGINES: '3' }));
    expect([ON_CPU, ON_WASM].map((opened) => plan.countOn(opened))).toEqual([3, 3]);
  });

  it('on CUDA is that of the GPUs of the first one’s model, and PTW_ENGINES may ask for fewer only', async () => {
    const models = ['A', 'B', 'A'];
    expect((await planEngines(withGpus(models))).countOn(ON_CUDA)).toBe(2);
    expect((await planEngines(withGpus(models, { PTW_ENGINES: '1' }))).countOn(ON_CUDA)).toBe(1);
    const many = await planEngines(withGpus(models, { PTW_ENGINES: '3' }));
    expect(() => many.countOn(ON_CUDA)).toThrow(/PTW_ENGINES is 3, expected at most 2/);
  });

  it.each(['0', '-1', '1.5', 'all'])('PTW_ENGINES=%s is refused', async (text) => {
    await expect(planEngines(withGpus([], { PTW_ENGINES: text }))).rejects.toThrow(
      `PTW_ENGINES is "${text}", expected a whole number of at least 1; unset it to choose by itself.`,
    );
  });
});

describe('the environment of an engine', () => {
  const seen = async (env: NodeJS.ProcessEnv, engines: number): Promise<(string | undefined)[]> => {
    const plan = await planEngines(env);
    return Array.from({ length: engines }, (_, i) => plan.environmentOf(i)['CUDA_VISIBLE_DEVICES']);
  };

  it('is the host’s own where there is at most one GPU', async () => {
    for (const env of [withGpus([]), withGpus(['A'])]) {
      const plan = await planEngines(env);
      expect(plan.environmentOf(0)).toBe(env);
      expect(plan.environmentOf(1)).toBe(env);
    }
  });

  it('shows each engine one GPU, all of one model', async () => {
    expect(await seen(withGpus(['A', 'A', 'A']), 3)).toEqual(['GPU-a000', 'GPU-b000', 'GPU-c000']);
    expect(await seen(withGpus(['A', 'B', 'A']), 2)).toEqual(['GPU-a000', 'GPU-c000']);
  });

  it('keeps to the GPUs that CUDA_VISIBLE_DEVICES names, by index or id, in its order', async () => {
    const models = ['A', 'B', 'A', 'A'];
    expect(await seen(withGpus(models, { CUDA_VISIBLE_DEVICES: '3,0' }), 2)).toEqual(['GPU-d000', 'GPU-a000']);
    expect(await seen(withGpus(models, { CUDA_VISIBLE_DEVICES: 'GPU-c, GPU-a000' }), 2)).toEqual([
      'GPU-c000',
      'GPU-a000',
    ]);
    const env = withGpus(models, { CUDA_VISIBLE_DEVICES: '2' });
    expect((await planEngines(env)).countOn(ON_CUDA)).toBe(1);
    expect(await seen(env, 1)).toEqual(['2']);
  });
});
