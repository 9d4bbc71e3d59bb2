import { deriveKey, philoxWords, type PhiloxKey } from '../src/main/math/philox.ts';

/**
 * A stream of random choices that a seed and a name decide, for attacks that choose by the million. Random is another: figures are
 * published by seed, and a seed's figures depend on the stream.
 */
export class Choices {
  readonly #key: PhiloxKey;
  #counter = 0;
  readonly #words = new Uint32Array(4);
  #used = 4;

  constructor(seed: number, ...name: (string | number)[]) {
    this.#key = deriveKey(seed, 'torture', ...name);
  }

  word(): number {
    if (this.#used === 4) {
      philoxWords(this.#words, { key: this.#key, counterLow: this.#counter++, counterHigh: 0 });
      this.#used = 0;
    }
    return this.#words[this.#used++];
  }

  /** In [0, 1). */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /** In [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
