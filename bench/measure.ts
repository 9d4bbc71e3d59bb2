import { setTimeout as sleep } from 'node:timers/promises';
import { quartilesOf, type Quartiles } from './statistics.ts';

/** One way to do a work. */
export interface Contestant {
  readonly name: string;
  /** Does one repetition. @returns milliseconds of one unit of the work: a step, a batch, an instance */
  repeat(): Promise<number>;
}

export interface Measured {
  readonly name: string;
  /** Milliseconds. */
  readonly time: Quartiles;
}

/** Lets the threads of whoever ran last fall asleep: pools spin for a few milliseconds before they do. */
const PAUSE = 30;
/** The first builds graphs or compiles, the second fills caches. */
const WARM_UPS = 2;

/**
 * Repetitions of all contestants, taken in turns, so that whatever slows the machine for a while slows them alike; nobody else runs
 * meanwhile. Each round begins with another one.
 */
export async function alternate(contestants: readonly Contestant[], repetitions: number): Promise<Measured[]> {
  for (const contestant of contestants) for (let i = 0; i < WARM_UPS; i++) await contestant.repeat();
  const times = contestants.map((): number[] => []);
  for (let round = 0; round < repetitions; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const next = (round + turn) % contestants.length;
      await sleep(PAUSE);
      times[next].push(await contestants[next].repeat());
    }
  }
  return contestants.map(({ name }, i) => ({ name, time: quartilesOf(times[i]) }));
}
