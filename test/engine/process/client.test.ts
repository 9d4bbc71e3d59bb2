import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { experimentConfigSchema } from '../../../src/shared/config.ts';
import {
  EngineDied,
  EngineError,
  JobCancelled,
  startEngine,
  type Engine,
} from '../../../src/main/engine/process/client.ts';
import type { Job, JobEvent, TransferSpec } from '../../../src/main/engine/process/protocol.ts';
import { rejection } from './rejection.ts';

const TRANSFER: TransferSpec = {
  source: { dataset: 'fashion-mnist', trainingInstances: 200 },
  target: { dataset: 'mnist', trainingInstances: 200, size: 'source' },
  seed: 1,
};
const DESCRIBE: Job = {
  kind: 'describe',
  transfer: TRANSFER,
  instances: 20,
  attacked: { noiseAttack: 15, pgd: 10, adversarialSearch: 10 },
};
/** Would take minutes: whoever awaits it must stop it. */
const LONG: Job = {
  kind: 'train-extractor',
  transfer: TRANSFER,
  config: experimentConfigSchema.parse({
    name: 'long',
    source: { dataset: 'fashion-mnist' },
    target: { dataset: 'mnist' },
    extractor: { preset: 'wrn-10-1' },
    training: { source: { batchSize: 16, maxEpochs: 1000, patience: 1000 } },
    heads: [{ layers: 1, constraint: 'none' }],
  }),
  checkpoint: null,
};

const noData = mkdtempSync(path.join(tmpdir(), 'no-data-'));
const environment = (changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PTW_BACKEND: 'wasm',
  PTW_THREADS: '1',
  ...changes,
});

const started: Engine[] = [];
async function start(changes: NodeJS.ProcessEnv = {}): Promise<Engine> {
  const engine = await startEngine(environment(changes));
  started.push(engine);
  return engine;
}
afterAll(async () => {
  await Promise.all(started.map((engine) => engine.close()));
  rmSync(noData, { recursive: true });
});

const ignore = (): void => undefined;

/** Runs a job and calls `then` at its first step. */
function atFirstStep(engine: Engine, then: () => void, signal?: AbortSignal): Promise<void> {
  let steps = 0;
  const onEvent = ({ kind }: JobEvent): void => {
    if (kind === 'progress' && ++steps === 1) then();
  };
  return engine.run(LONG, onEvent, signal);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Child processes of this one that are still held. */
const children = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;

async function waitUntil(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}

describe('starting an engine refuses', () => {
  it('a backend that cannot be had, with its reason and its name, and ends the process', async () => {
    const before = children();
    const error = await rejection(startEngine(environment({ PTW_BACKEND: 'webgl' })));
    expect(error).toBeInstanceOf(EngineError);
    expect(error.name).toBe('RangeError');
    expect(error.message).toMatch(/PTW_BACKEND is "webgl", expected one of tensorflow, webgpu, wasm/);
    await waitUntil(() => children() === before);
  });

  it('an engine that dies before it is ready', async () => {
    const error = await rejection(
      startEngine(environment({ NODE_OPTIONS: '--import=data:text/javascript,process.exit(9)' })),
    );
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(/^the engine exited with code 9$/);
  });
});

describe('a job', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start({ PTW_DATA: undefined });
  });
  afterEach(async () => {
    // Whatever became of a job, the next one is answered.
    await engine.run(DESCRIBE, ignore);
  });

  it('ends after its events, in their order', async () => {
    const events: JobEvent[] = [];
    await engine.run(DESCRIBE, (event) => events.push(event));
    expect(events.map(({ kind }) => kind)).toEqual(['description']);
    const [event] = events;
    if (event.kind !== 'description') return expect.unreachable();
    const { source, target } = event.description.domains;
    expect([source.training + source.validation, target.training + target.validation]).toEqual([200, 200]);
    expect([source.instances.length, target.attacked.pgd.length]).toEqual([20, 10]);
    // Typed arrays cross as they are.
    expect(target.instances).toBeInstanceOf(Int32Array);
    expect([...target.instances]).toEqual(expect.arrayContaining([...target.attacked.pgd]));
  });

  it('that fails rejects with the name, message and stack of the error in the engine', async () => {
    const error = await rejection(engine.run({ ...DESCRIBE, instances: 1e7 }, ignore));
    expect(error).toBeInstanceOf(EngineError);
    expect(error.name).toBe('DataError');
    expect(error.message).toMatch(/test images of fashion-mnist .*10000000/);
    expect(error.stack).toMatch(/split\.ts/);
  });

  it('that cannot cross to the engine is answered as an error', async () => {
    const job = { ...DESCRIBE, transfer: { ...TRANSFER, extra: ignore } } as Job;
    expect((await rejection(engine.run(job, ignore))).message).toMatch(/could not be cloned/);
  });

  it('told to stop stops within two seconds, as JobCancelled', async () => {
    const controller = new AbortController();
    let told = NaN;
    const running = atFirstStep(
      engine,
      () => {
        told = performance.now();
        controller.abort();
      },
      controller.signal,
    );
    expect(await rejection(running)).toBeInstanceOf(JobCancelled);
    expect(performance.now() - told).toBeLessThan(2000);
  });

  it('told to stop before it began, or while it waits for another, never takes a step', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const running = rejection(atFirstStep(engine, () => second.abort(), first.signal));
    let events = 0;
    const waiting = rejection(engine.run(LONG, () => events++, second.signal));
    const late = rejection(engine.run(LONG, () => events++, AbortSignal.abort()));
    await waitUntil(() => second.signal.aborted);
    first.abort();
    for (const job of [running, waiting, late]) expect(await job).toBeInstanceOf(JobCancelled);
    expect(events).toBe(0);
  });

  it('whose listener throws is stopped, and rejects with what was thrown', async () => {
    const thrown = new Error('the disk is full');
    let events = 0;
    const listener = (): void => {
      events++;
      throw thrown;
    };
    expect(await rejection(engine.run(LONG, listener))).toBe(thrown);
    const stopped = performance.now();
    // The next job waits for this one, so its end shows that it was stopped.
    await engine.run(DESCRIBE, ignore);
    expect(performance.now() - stopped).toBeLessThan(2000);
    expect(events).toBe(1);
  });

  it('whose host is slower than it waits for the host, instead of piling its results up', async () => {
    const small = { ...TRANSFER, source: { ...TRANSFER.source, trainingInstances: 30 } };
    const controller = new AbortController();
    const seconds: number[] = [];
    const onEvent = (event: JobEvent): void => {
      if (event.kind !== 'epoch') return;
      seconds.push(event.report.seconds);
      if (seconds.length === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
      if (seconds.length === 4) controller.abort();
    };
    const running = engine.run({ ...LONG, transfer: small }, onEvent, controller.signal);
    expect(await rejection(running)).toBeInstanceOf(JobCancelled);
    // A checkpoint is larger than the pipe, so that an epoch under way saw the host stand still.
    expect(Math.max(...seconds.slice(1))).toBeGreaterThan(1.5);
  });

  it('leaves no listener on the signal of a run of many jobs', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await engine.run(DESCRIBE, ignore, signal);
    await rejection(engine.run({ ...DESCRIBE, instances: 1e7 }, ignore, signal));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a missing data set', () => {
  it('is the engine’s DataError, with what to do', async () => {
    const engine = await start({ PTW_DATA: 'full', PTW_DATA_DIR: noData, PTW_CACHE_DIR: noData });
    const error = await rejection(engine.run(DESCRIBE, ignore));
    expect(error.name).toBe('DataError');
    expect(error.message).toMatch(/fashion-mnist/);
    expect(error.message.split('\n')).toHaveLength(1);
  });
});

describe('an engine that dies', () => {
  it('fails the jobs under way and every later one, each with one sentence', async () => {
    const engine = await start();
    const running = rejection(atFirstStep(engine, () => process.kill(engine.pid, 'SIGKILL')));
    const queued = rejection(engine.run(DESCRIBE, ignore));
    const after = await Promise.all([running, queued]);
    after.push(await rejection(engine.run(DESCRIBE, ignore)));
    for (const error of after) {
      expect(error).toBeInstanceOf(EngineError);
      expect(error.message).toBe('the engine was ended by SIGKILL (the system does that when memory runs out)');
    }
    await engine.close();
  });

  it('fails jobs sent to it before its death is known', async () => {
    const engine = await start();
    process.kill(engine.pid, 'SIGKILL');
    // A job of several megabytes does not fit the pipe: writing it fails after the process is gone.
    const padding = { ...DESCRIBE, padding: new Float32Array(4e6) } as Job;
    const errors = await Promise.all([0, 1, 2].map(() => rejection(engine.run(padding, ignore))));
    for (const error of errors) expect(error.message).toMatch(/^the engine was ended by SIGKILL/);
  });
});

describe('an engine that hangs', () => {
  it('is ended after as long a silence as is allowed, and fails its job with what to do', async () => {
    const engine = await start({ PTW_ENGINE_SILENCE: '2' });
    const hung = performance.now();
    const error = await rejection(atFirstStep(engine, () => process.kill(engine.pid, 'SIGSTOP')));
    expect(error).toBeInstanceOf(EngineDied);
    expect(error.message).toBe(
      'the engine gave no sign of life for 2 s and was ended; PTW_ENGINE_SILENCE allows for longer steps',
    );
    expect(performance.now() - hung).toBeGreaterThan(1900);
    await engine.close();
    expect(isRunning(engine.pid)).toBe(false);
  });

  it('is left alone without a job, and while it gives signs of life', async () => {
    const engine = await start({ PTW_ENGINE_SILENCE: '2' });
    process.kill(engine.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    process.kill(engine.pid, 'SIGCONT');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 4000);
    expect(await rejection(engine.run(LONG, ignore, controller.signal))).toBeInstanceOf(JobCancelled);
  });

  it('cannot be allowed what is no number of seconds', async () => {
    expect((await rejection(startEngine(environment({ PTW_ENGINE_SILENCE: 'long' })))).message).toBe(
      'PTW_ENGINE_SILENCE is "long", expected a whole number of at least 1; unset it for the default of ten minutes.',
    );
  });
});

describe('closing an engine', () => {
  it('ends its process, fails the job under way, and may be repeated', async () => {
    const engine = await start();
    let inFlight = false;
    const running = rejection(atFirstStep(engine, () => (inFlight = true)));
    await waitUntil(() => inFlight);
    expect(isRunning(engine.pid)).toBe(true);
    await Promise.all([engine.close(), engine.close()]);
    expect(isRunning(engine.pid)).toBe(false);
    expect((await running).message).toMatch(/^the engine (exited with code 0|was ended by SIGTERM)$/);
    await engine.close();
    expect((await rejection(engine.run(DESCRIBE, ignore))).message).toMatch(/^the engine /);
  });

  it('that is stopped, as a debugger does, kills it', async () => {
    const engine = await start();
    process.kill(engine.pid, 'SIGSTOP');
    const closing = performance.now();
    await engine.close();
    expect(performance.now() - closing).toBeLessThan(4000);
    expect(isRunning(engine.pid)).toBe(false);
  });
});
