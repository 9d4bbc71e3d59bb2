import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { WORKER } from './python.ts';

const answerSchema = z.union([
  z.strictObject({ error: z.string() }),
  z.strictObject({ milliseconds: z.number().positive() }),
  z.strictObject({ versions: z.record(z.string(), z.string()) }),
  z.strictObject({ arrays: z.record(z.string(), z.string()) }),
]);
type Answer = z.infer<typeof answerSchema>;

/** What the reference is to be: numbers that both sides share, under the names that works.py reads. */
export interface ReferenceSettings {
  readonly net: { readonly blocks: readonly number[]; readonly width: number };
  readonly classes: number;
  readonly learningRate: number;
  readonly epsilon: number;
  readonly relativeStep: number;
  readonly certification: {
    readonly sigma: number;
    readonly alpha: number;
    readonly draws: number;
    readonly selectionDraws: number;
    /** Rows of a forward pass. */
    readonly batch: number;
  };
}

/** The Python process of the reference: it works on request and sleeps otherwise. */
export interface Reference {
  /** Python, PyTorch, its threads. */
  readonly versions: Readonly<Record<string, string>>;
  /** What both sides compute of the same inputs, before anything is timed. */
  agreement(): Promise<Readonly<Record<string, Float32Array>>>;
  /** Does a work `calls` times. @returns milliseconds of them all, by the reference's own clock */
  run(work: string, calls: number): Promise<number>;
  close(): Promise<void>;
}

interface StartOptions {
  readonly python: string;
  readonly threads: number;
  /** A safetensors file with weights and inputs. */
  readonly weights: string;
  readonly settings: ReferenceSettings;
}

/**
 * The worker's environment. Threads of an OpenMP pool that spin while they wait would take time from the other side, and from each
 * other where something else runs on the machine: passive waiting is the faster there by far. What the user sets stays.
 */
function environmentFor(threads: number): NodeJS.ProcessEnv {
  const waiting = { OMP_WAIT_POLICY: 'passive', KMP_BLOCKTIME: '0' };
  // The comparison is of processors, also where there is a GPU; bytecode would land in the checkout.
  const fixed = { OMP_NUM_THREADS: String(threads), CUDA_VISIBLE_DEVICES: '', PYTHONDONTWRITEBYTECODE: '1' };
  return { ...waiting, ...process.env, ...fixed };
}

/** @throws Error with the end of what Python said where it does not start or cannot load the weights */
export async function startReference({ python, threads, weights, settings }: StartOptions): Promise<Reference> {
  const child = spawn(python, [WORKER, String(threads)], {
    env: environmentFor(threads),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(`it ended with ${signal ?? `status ${code}`}`));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: Readonly<Record<string, unknown>>): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(request)}\n`, () => undefined);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`PyTorch reference: ${await ended}\n${said}`);
    const answer = answerSchema.parse(JSON.parse(value));
    if ('error' in answer) throw new Error(`PyTorch reference, ${JSON.stringify(request)}: ${answer.error}\n${said}`);
    return answer;
  };
  const expected = <Key extends string>(answer: Answer, key: Key): Extract<Answer, Record<Key, unknown>> => {
    if (key in answer) return answer as Extract<Answer, Record<Key, unknown>>;
    throw new Error(`PyTorch reference: got ${Object.keys(answer).join(', ')}, expected ${key}`);
  };
  const close = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  child.stdin.on('error', () => undefined); // a worker that is gone is told of by its closed output
  try {
    const { versions } = expected(await ask({ operation: 'load', weights, settings }), 'versions');
    return {
      versions,
      agreement: async () => {
        const { arrays } = expected(await ask({ operation: 'agreement' }), 'arrays');
        return Object.fromEntries(Object.entries(arrays).map(([name, text]) => [name, decoded(text)]));
      },
      run: async (work, calls) => {
        const answer = await ask({ operation: 'run', work, calls });
        return expected(answer, 'milliseconds').milliseconds;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Float32 little-endian, as both sides are. */
function decoded(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}
