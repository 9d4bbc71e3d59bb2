import { Worker } from 'node:worker_threads';
import type { CertifiedHead } from '../process/protocol.ts';
import { certifyDrawn } from './drawnInstance.ts';
import type { CertificationPlan, DrawnInstance, Samples } from './drawnInstance.ts';

/** An instance's certificates, and the room that its draws were in, free again. */
export interface Certified {
  readonly certified: readonly CertifiedHead[];
  readonly samples: Samples;
}

/** What a thread is told: the plan of the instances that follow, or one of them. */
export type CertifierRequest =
  | { readonly kind: 'plan'; readonly plan: CertificationPlan }
  | { readonly kind: 'instance'; readonly instance: DrawnInstance };

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
  /** Gives the threads back; what they had not answered is answered with an error. */
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
  const all = Array.from({ length: threads }, (_, i) => {
    const certifier = (script === THREAD ? takeIdle() : null) ?? new Certifier(script);
    certifier.begin(plan, i + 1);
    return certifier;
  });
  return {
    certify: (instance) => {
      // The one with the fewest instances before this one.
      const free = all.reduce((least, other) => (other.waiting < least.waiting ? other : least));
      return free.certify(instance);
    },
    close: async () => {
      await Promise.all(
        all.map(async (certifier) => {
          if (script === THREAD && certifier.isFree) idle.push(certifier.rest());
          else await certifier.close();
        }),
      );
    },
  };
}

/** Threads without a plan. They are kept from job to job, since what a new one runs has to be compiled again: half a second each. */
const idle: Certifier[] = [];

/** Passes over those that ended while they were idle. */
function takeIdle(): Certifier | null {
  let certifier = idle.pop();
  while (certifier?.isFree === false) certifier = idle.pop();
  return certifier ?? null;
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
  readonly #questions: Question[] = [];
  #name = 'certifier thread';
  /** Why it cannot answer any more. */
  #ended: Error | null = null;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.on('message', (reply: CertifierReply) => this.#answer(reply));
    this.#worker.on('messageerror', (error) => this.#end(`could not be understood: ${error.message}`, error));
    this.#worker.on('error', (error) => this.#end(`failed: ${messageOf(error)}`, error));
    this.#worker.on('exit', (code) => this.#end(`ended with code ${code}`));
  }

  /** @param place among the threads of the plan, for errors */
  begin(plan: CertificationPlan, place: number): void {
    this.#name = `certifier thread ${place}`;
    this.#worker.ref();
    this.#tell({ kind: 'plan', plan });
  }

  /** Whether it could take another plan. */
  get isFree(): boolean {
    return this.#ended === null && this.#questions.length === 0;
  }

  /** Keeps no process alive until it is given another plan. */
  rest(): this {
    this.#worker.unref();
    return this;
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
      this.#tell({ kind: 'instance', instance }, buffersOf(instance.samples));
      this.#questions.push({ datasetIndex: instance.datasetIndex, resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#end('was closed');
    await this.#worker.terminate();
  }

  #tell(request: CertifierRequest, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transferred);
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
