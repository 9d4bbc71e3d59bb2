import { Worker } from 'node:worker_threads';
import { certifyDrawn } from './drawnInstance.ts';
import type { CertificationPlan, CertifiedHead, DrawnInstance, Samples } from './drawnInstance.ts';

/** An instance's certificates, and the room that its draws were in, free again. */
export interface Certified {
  readonly certified: readonly CertifiedHead[];
  readonly samples: Samples;
}

/** What a thread answers to each instance. */
export type CertifierReply =
  (Certified & { readonly kind: 'certified' }) | { readonly kind: 'failed'; readonly error: unknown };

/** Certify drawn instances while others are drawn. */
export interface Certifiers {
  /**
   * Takes the samples: they are the caller's again with the answer.
   * @throws what certifying throws, and an Error when a thread ends before it answers
   */
  certify(instance: DrawnInstance): Promise<Certified>;
  /** Ends the threads; what they had not answered is answered with an error. */
  close(): Promise<void>;
}

export interface CertifierOptions {
  /** 0 certifies on the caller's thread, when it asks. */
  readonly threads: number;
  /** Entry point of the threads. */
  readonly script?: URL;
}

const THREAD = new URL('./certifierThread.ts', import.meta.url);

/** Answers depend on the instance and the plan alone, not on the threads or their number. */
export function startCertifiers(plan: CertificationPlan, { threads, script = THREAD }: CertifierOptions): Certifiers {
  if (threads === 0) return onThisThread(plan);
  const all = Array.from({ length: threads }, (_, place) => new Certifier(plan, script, place + 1));
  return {
    certify: (instance) => {
      // The one with the fewest instances before this one.
      const free = all.reduce((least, other) => (other.waiting < least.waiting ? other : least));
      return free.certify(instance);
    },
    close: async () => {
      await Promise.all(all.map((certifier) => certifier.close()));
    },
  };
}

function onThisThread(plan: CertificationPlan): Certifiers {
  return {
    certify: (instance) =>
      new Promise((resolve) => {
        resolve({ certified: certifyDrawn(plan, instance), samples: instance.samples });
      }),
    close: () => Promise.resolve(),
  };
}

/** All memory of the samples, to be moved to another thread and not copied. */
export function buffersOf({ selection, estimation }: Samples): ArrayBuffer[] {
  return [selection, estimation].flatMap((sample) =>
    sample === null
      ? []
      : [...sample.logits.values(), ...(sample.columns === null ? [] : [sample.columns])].map(({ buffer }) => buffer),
  );
}

interface Question {
  readonly datasetIndex: number;
  resolve(answer: Certified): void;
  reject(error: unknown): void;
}

/** One thread, which answers in the order in which it is asked. */
class Certifier {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #questions: Question[] = [];
  /** Why it cannot answer any more. */
  #ended: Error | null = null;

  constructor(plan: CertificationPlan, script: URL, place: number) {
    this.#name = `certifier thread ${place}`;
    this.#worker = new Worker(script, { workerData: plan });
    this.#worker.on('message', (reply: CertifierReply) => this.#answer(reply));
    this.#worker.on('messageerror', (error) => this.#end(`could not be understood: ${error.message}`, error));
    this.#worker.on('error', (error) => this.#end(`failed: ${messageOf(error)}`, error));
    this.#worker.on('exit', (code) => this.#end(`ended with code ${code}`));
  }

  get waiting(): number {
    return this.#questions.length;
  }

  certify(instance: DrawnInstance): Promise<Certified> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      this.#worker.postMessage(instance, buffersOf(instance.samples));
      this.#questions.push({ datasetIndex: instance.datasetIndex, resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#end('was closed');
    await this.#worker.terminate();
  }

  #answer(reply: CertifierReply): void {
    const question = this.#questions.shift();
    if (reply.kind === 'certified') question?.resolve(reply);
    else question?.reject(reply.error);
  }

  /** The first reason counts: an error is followed by an exit. */
  #end(how: string, cause?: unknown): void {
    const [current] = this.#questions;
    const during = this.#questions.length === 0 ? '' : ` while it certified instance ${current.datasetIndex}`;
    this.#ended ??= new Error(`the ${this.#name} ${how}${during}; what was committed is kept`, { cause });
    for (const question of this.#questions.splice(0)) question.reject(this.#ended);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
