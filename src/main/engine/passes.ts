import * as tf from '@tensorflow/tfjs-core';
import { isOutOfMemory } from './backends/outOfMemory.ts';
import type { StageContext } from './context.ts';
import { takeValues } from './readBack.ts';

/** One pass over some of the rows of something: images, draws. */
export interface Pass {
  /** Index of the first row. */
  readonly first: number;
  /** Rows that are asked for. */
  readonly count: number;
  /** Rows that are computed, `count` or more: a pass of one size everywhere needs one compiled step. */
  readonly rows: number;
}

export interface PassSettings {
  /** Rows of a pass as long as memory lasts. */
  readonly rows: number;
  /** What is computed, in the plural, for the notice and the error. */
  readonly of: string;
  /** Frees what the failed pass's size holds: graphs. */
  readonly release: () => void;
}

/**
 * Passes without training, which can be smaller: where one runs out of memory it is made again with half the rows, down
 * to one. Rounding may depend on the size of a pass, so a size that was too large is not tried again: the stage goes on
 * with the smaller one. Memory does run out while a pass is under way only if it reads its results back, since WebGPU
 * says so no sooner.
 */
export class Passes {
  #rows: number;
  readonly #settings: PassSettings;
  readonly #context: StageContext;

  constructor(settings: PassSettings, context: StageContext) {
    this.#rows = Math.ceil(settings.rows / 2 ** context.halvings);
    this.#settings = settings;
    this.#context = context;
  }

  /** Makes passes over rows 0 … total − 1, breathing before each. A pass that runs out of memory must leave nothing behind. */
  async over(total: number, pass: (pass: Pass) => Promise<void>): Promise<void> {
    let first = 0;
    while (first < total) {
      await this.#context.breathe();
      const count = Math.min(this.#rows, total - first);
      try {
        await pass({ first, count, rows: this.#rows });
        first += count;
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        this.#halve(error);
      }
    }
  }

  /**
   * Results of all rows on the host, [total, size].
   * @param rowsOf the results of a pass, [rows, size], made inside tidy
   */
  async gather(total: number, rowsOf: (pass: Pass) => tf.Tensor2D): Promise<{ values: Float32Array; size: number }> {
    let gathered = { values: new Float32Array(0), size: 0 };
    await this.over(total, async (pass) => {
      const results = tf.tidy(() => rowsOf(pass));
      const [, size] = results.shape;
      const values = await takeValues(results);
      if (gathered.size === 0) gathered = { values: new Float32Array(total * size), size };
      gathered.values.set(values.subarray(0, pass.count * size), pass.first * size);
    });
    return gathered;
  }

  #halve(error: Error): void {
    const { of, release } = this.#settings;
    release();
    const failed = this.#rows;
    if (failed === 1) {
      throw new Error(
        `${of}: memory ran out in a pass of 1 row, the smallest there is; free memory and resume, or choose a smaller extractor.preset (${firstLine(error)})`,
        { cause: error },
      );
    }
    this.#rows = Math.ceil(failed / 2);
    this.#context.notice(
      `${of}: memory ran out in a pass of ${failed} rows, going on with ${this.#rows} (${firstLine(error)})`,
    );
  }
}

/** TensorFlow's messages go on for lines; behind the status is what happened. */
function firstLine({ message }: Error): string {
  return message.replace(/^Invalid TF_Status: \d+\nMessage: /, '').split('\n', 1)[0];
}
