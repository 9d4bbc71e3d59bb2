import { Table } from './table.ts';

export interface AttackInputs {
  /** Every random choice derives from it. */
  readonly seed: number;
  readonly count: number;
  /** One line of progress, to standard error. */
  readonly say: (text: string) => void;
}

export interface Attack {
  readonly name: string;
  /** What is done, how often, and what must hold. */
  readonly title: string;
  /** As often as an issue of `npm run torture` without a count does it. */
  readonly count: number;
  readonly run: (inputs: AttackInputs, tally: Tally) => Promise<void>;
}

/** What an attack counted, by the name of what it saw; violations with what was wrong. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #violations: string[] = [];

  add(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** A figure that is no count: a time, a size. */
  set(what: string, value: number): void {
    this.#counts.set(what, value);
  }

  violation(what: string): void {
    this.#violations.push(what);
  }

  /** Counts `what`, or a violation of it with `detail`. */
  hold(what: string, holds: boolean, detail: () => string = () => ''): void {
    if (holds) this.add(what);
    else this.violation(`not: ${what}: ${detail()}`);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  get text(): string {
    const table = new Table(['', 'count']);
    for (const [what, count] of this.#counts) table.row([what, String(count)]);
    table.row(['violations', String(this.#violations.length)]);
    return table.text;
  }
}
