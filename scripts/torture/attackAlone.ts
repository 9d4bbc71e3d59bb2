// What every attack of this folder has in common, and how one is run by itself.
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { deriveKey, philoxWords, type PhiloxKey } from '../../src/main/math/philox.ts';

export interface AttackOptions {
  readonly seed: number;
  /** How often it is tried. */
  readonly count: number;
  readonly report: (line: string) => void;
}

export interface AttackResult {
  /** What was tried, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** What did not hold, a sentence each. */
  readonly failures: readonly string[];
}

export type Attack = (options: AttackOptions) => Promise<AttackResult>;

/** Runs the attack of a script where that script is what Node was given; ends with 1 where something did not hold. */
export async function runAlone(script: string, attack: Attack, count: number): Promise<void> {
  if (pathToFileURL(process.argv[1] ?? '').href !== script) return;
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: String(count) } },
  });
  const [seed, times] = [Number(values.seed), Number(values.count)];
  if (!Number.isSafeInteger(seed) || seed < 0 || !Number.isSafeInteger(times) || times < 1) {
    throw new RangeError(
      `got --seed ${values.seed} --count ${values.count}, expected whole numbers, the count positive`,
    );
  }
  const began = performance.now();
  const { counts, failures } = await attack({ seed, count: times, report: (line) => console.log(line) });
  for (const [kind, n] of Object.entries(counts)) console.log(`${kind.padEnd(60)}${String(n).padStart(10)}`);
  for (const failure of failures.slice(0, 50)) console.log(`FAILED ${failure}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `seed ${seed}, count ${times}: ${failures.length === 0 ? 'all held' : `${failures.length} failures`}, ${seconds} s`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

/** A stream of random choices that a seed and a name decide. */
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

export const tally = (counts: Record<string, number>, kind: string): void => {
  counts[kind] = (counts[kind] ?? 0) + 1;
};
