import { createHash } from 'node:crypto';

/** Random numbers of a seed and a name: the same on every machine. SHA-256 in counter mode, since nothing here need be fast. */
export class Random {
  readonly #key: string;
  #counter = 0;
  constructor(seed: number, name: string) {
    this.#key = `${seed}/${name}`;
  }
  /** In [0, 1). */
  next(): number {
    const digest = createHash('sha256').update(`${this.#key}/${this.#counter++}`).digest();
    return digest.readUInt32LE(0) / 2 ** 32;
  }
  /** From 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
