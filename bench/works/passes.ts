import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Precision } from '../../src/shared/config.ts';
import type { Contestant } from '../measure.ts';
import type { BatchInputs } from './steps.ts';

/** What a process is told first; then, with every message, how many passes to do. It answers each when it has done as it was told. */
export interface PassesOfProcess {
  readonly batch: Pick<BatchInputs, 'net' | 'extractor' | 'images' | 'shape'>;
  readonly precision: Precision;
}

interface PassesAsked extends PassesOfProcess {
  /** Of a repetition, all processes together: a multiple of their number. */
  readonly passes: number;
  /** Of the processes that share them. */
  readonly environments: readonly NodeJS.ProcessEnv[];
}

/** Passes of each process before those of a repetition. */
const UNCOUNTED = 6;

const ENTRY = fileURLToPath(new URL('./passesProcess.ts', import.meta.url));

/** A contestant of processes that do nothing but passes of the extractor, side by side as engines are. */
export async function startPasses(asked: PassesAsked): Promise<Contestant & { close(): void }> {
  const { batch: whole, precision, passes, environments } = asked;
  const { net, extractor, images, shape } = whole;
  const processes = environments.map((env) => fork(ENTRY, [], { serialization: 'advanced', env }));
  const close = (): void => processes.forEach((one) => one.kill());
  const tellAll = (message: object | number): Promise<unknown> =>
    Promise.all(processes.map((one) => answerOf(one, message)));
  const first: PassesOfProcess = { batch: { net, extractor, images, shape }, precision };
  try {
    await tellAll(first);
  } catch (error) {
    close();
    throw error;
  }
  return {
    name: 'bare passes',
    close,
    repeat: async () => {
      // As the first instance of each engine is not counted: after a pause caches are cold.
      await tellAll(UNCOUNTED);
      const started = performance.now();
      await tellAll(passes / processes.length);
      return (performance.now() - started) / passes;
    },
  };
}

function answerOf(process: ChildProcess, message: object | number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`bench: a process of passes ended with ${code}`));
    process.once('exit', onExit);
    process.once('message', () => {
      process.off('exit', onExit);
      resolve();
    });
    process.send(message);
  });
}
