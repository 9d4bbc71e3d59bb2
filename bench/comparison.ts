import type { Measured } from './measure.ts';
import { spread } from './table.ts';

/** A goal: so many times as fast as the fastest of some rivals. */
export interface Goal {
  readonly atLeast: number;
  readonly against: readonly string[];
}

/** One work, ours first and then whoever does the same. */
export interface Comparison {
  readonly work: string;
  readonly ours: Measured;
  readonly rivals: readonly Measured[];
  readonly goals: readonly Goal[];
}

export const COMPARISON_HEADER = ['work', 'ours, ms', 'reference', 'its ms', 'ours is', 'goal'] as const;

/** A row for each rival; a goal is judged in the row of the fastest rival it names. Medians, quartiles in brackets. */
export function comparisonRows({ work, ours, rivals, goals }: Comparison): string[][] {
  if (rivals.length === 0) return [[work, spread(ours.time), '–', '–', '–', '–']];
  return rivals.map((rival, i) => {
    const ratio = rival.time.median / ours.time.median;
    const judged = goals.filter(({ against }) => fastest(rivals, against) === rival);
    const verdicts = judged.map(({ atLeast }) => `≥ ${atLeast.toFixed(1)}: ${ratio >= atLeast ? 'met' : 'missed'}`);
    return [
      i === 0 ? work : '',
      i === 0 ? spread(ours.time) : '',
      rival.name,
      spread(rival.time),
      `${ratio.toFixed(2)} ×`,
      verdicts.join('; '),
    ];
  });
}

/** @throws Error for a goal that names a rival that is not there: it could never be missed */
function fastest(rivals: readonly Measured[], names: readonly string[]): Measured {
  const named = names.map((name) => {
    const found = rivals.find((rival) => rival.name === name);
    if (found === undefined)
      throw new Error(`internal: bench: a goal is set against "${name}", which was not measured`);
    return found;
  });
  return named.reduce((best, rival) => (rival.time.median < best.time.median ? rival : best));
}
