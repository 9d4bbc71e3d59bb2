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
const ON_WEBGPU = backend({ name: 'webgpu' });

const MUCH = 2 ** 36;
const countOn = async (env: NodeJS.ProcessEnv, opened: OpenBackend, memory = MUCH): Promise<number> =>
  (await planEngines(env, memory)).sharingOn(opened).environments.length;

describe('the number of engines that share jobs', () => {
  const threads = (count: string): NodeJS.ProcessEnv => withGpus([], { PTW_THREADS: count });

  it('without GPUs is one for each thread that may be used, eight at most, and one on webgpu', async () => {
    for (const opened of [ON_CPU, CUDA_ON_CPU, ON_WASM]) {
      expect(await countOn(withGpus([]), opened)).toBe(Math.min(8, availableParallelism()));
      expect(await countOn(threads('3'), opened)).toBe(3);
      expect(await countOn(threads('64'), opened)).toBe(8);
      expect(await countOn(threads('1'), opened)).toBe(1);
    }
    expect(await countOn(withGpus([]), ON_WEBGPU)).toBe(1);
  });

  it('of TensorFlow is smaller where memory is scarce', async () => {
    const of = (gigabytes: number): Promise<number> => countOn(threads('8'), ON_CPU, gigabytes * 2 ** 30);
    expect(await Promise.all([1, 4, 8, 15, 64].map(of))).toEqual([1, 2, 4, 7, 8]);
    expect(await countOn(threads('8'), ON_WASM, 2 ** 30)).toBe(8);
    expect(await countOn(withGpus([], { PTW_ENGINES: '3' }), ON_CPU, 2 ** 30)).toBe(3);
  });

  it('does not depend on GPUs where none of them serves', async () => {
    const env = withGpus(['A', 'A'], { PTW_THREADS: '4' });
    for (const opened of [ON_CPU, ON_WASM]) expect(await countOn(env, opened)).toBe(4);
  });

  it('is what PTW_ENGINES says', async () => {
    for (const opened of [ON_CPU, ON_WASM, ON_WEBGPU]) {
      expect(await countOn(withGpus([], { PTW_ENGINES: '3' }), opened)).toBe(3);
    }
  });

  it('on CUDA is that of the GPUs of the first one’s model, and PTW_ENGINES may ask for fewer only', async () => {
    const models = ['A', 'B', 'A'];
    expect(await countOn(withGpus(models), ON_CUDA)).toBe(2);
    expect(await countOn(withGpus(models, { PTW_ENGINES: '1' }), ON_CUDA)).toBe(1);
    await expect(countOn(withGpus(models, { PTW_ENGINES: '3' }), ON_CUDA)).rejects.toThrow(
      /PTW_ENGINES is 3, expected at most 2/,
    );
  });

  it.each(['0', '-1', '1.5', 'all'])('PTW_ENGINES=%s is refused', async (text) => {
    await expect(planEngines(withGpus([], { PTW_ENGINES: text }))).rejects.toThrow(
      `PTW_ENGINES is "${text}", expected a whole number of at least 1; unset it to choose by itself.`,
    );
  });
});

describe('the environments of engines', () => {
  const gpusSeen = async (env: NodeJS.ProcessEnv): Promise<(string | undefined)[]> => {
    const { environments, withFirst } = (await planEngines(env)).sharingOn(ON_CUDA);
    expect(withFirst).toBe(true);
    return environments.map((own) => own['CUDA_VISIBLE_DEVICES']);
  };

  it('divide the threads of TensorFlow’s CPU beside the first engine, which has all of them', async () => {
    for (const [count, engines, each] of [
      ['2', undefined, '1'],
      ['8', '3', '2'],
      ['64', undefined, '8'],
      ['2', '3', '1'],
    ] as const) {
      const env = withGpus([], { PTW_THREADS: count, ...(engines !== undefined && { PTW_ENGINES: engines }) });
      const plan = await planEngines(env, MUCH);
      expect(plan.first).toBe(env);
      const { environments, withFirst } = plan.sharingOn(ON_CPU);
      expect(withFirst).toBe(false);
      expect(new Set(environments.map((own) => own['PTW_THREADS']))).toEqual(new Set([each]));
    }
  });

  it('are the host’s own of a single engine, of those on wasm, and where there is at most one GPU', async () => {
    for (const [env, opened] of [
      [withGpus([], { PTW_ENGINES: '1' }), ON_CPU],
      [withGpus([], { PTW_THREADS: '3' }), ON_WASM],
      [withGpus(['A']), ON_CUDA],
    ] as const) {
      const plan = await planEngines(env);
      const { environments, withFirst } = plan.sharingOn(opened);
      expect(withFirst).toBe(true);
      for (const own of [plan.first, ...environments]) expect(own).toBe(env);
    }
  });

  it('show each engine one GPU, all of one model', async () => {
    expect(await gpusSeen(withGpus(['A', 'A', 'A']))).toEqual(['GPU-a000', 'GPU-b000', 'GPU-c000']);
    expect(await gpusSeen(withGpus(['A', 'B', 'A']))).toEqual(['GPU-a000', 'GPU-c000']);
  });

  it('keep to the GPUs that CUDA_VISIBLE_DEVICES names, by index or id, in its order', async () => {
    const models = ['A', 'B', 'A', 'A'];
    expect(await gpusSeen(withGpus(models, { CUDA_VISIBLE_DEVICES: '3,0' }))).toEqual(['GPU-d000', 'GPU-a000']);
    expect(await gpusSeen(withGpus(models, { CUDA_VISIBLE_DEVICES: 'GPU-c, GPU-a000' }))).toEqual([
      'GPU-c000',
      'GPU-a000',
    ]);
    expect(await gpusSeen(withGpus(models, { CUDA_VISIBLE_DEVICES: '2' }))).toEqual(['2']);
  });
});
