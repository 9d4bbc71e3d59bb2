import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../../src/main/math/certificates/votes.ts';
import { logitRows } from '../logitRows.ts';

const rows = (...values: readonly (readonly number[])[]): Float32Array => Float32Array.from(values.flat());

describe('votes', () => {
  it('counts each row for its largest logit', () => {
    expect(countVotes(rows([1, 2, 0], [3, 2, 1], [0, 5, 4], [-1, -2, -3]), 3)).toEqual(Int32Array.of(2, 2, 0));
  });

  it('counts a row for nobody where two share the largest logit', () => {
    expect(countVotes(rows([2, 2, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]), 3)).toEqual(Int32Array.of(0, 0, 1));
    expect(countVotes(rows([Infinity, Infinity], [-Infinity, -Infinity]), 2)).toEqual(Int32Array.of(0, 0));
  });

  it('counts a row for nobody where a logit is NaN, wherever it is', () => {
    expect(countVotes(rows([NaN, 1, 2], [1, NaN, 2], [9, 1, NaN], [NaN, NaN, NaN]), 3)).toEqual(new Int32Array(3));
  });

  it('counts a row for nobody where a logit is infinite, whichever it is', () => {
    expect(countVotes(rows([Infinity, 0], [-Infinity, 0], [0, Infinity], [0, -Infinity]), 2)).toEqual(
      new Int32Array(2),
    );
  });
});

describe('wins', () => {
  it('counts the rows that beat each rival, and all rows against itself', () => {
    expect(countWins(rows([1, 2, 0], [3, 2, 1], [0, 5, 4]), 3, 1)).toEqual(Int32Array.of(2, 3, 3));
    expect(countWins(rows([1, 2, 0], [3, 2, 1], [0, 5, 4]), 3, 2)).toEqual(Int32Array.of(1, 0, 3));
  });

  it('counts a tied logit for the rival', () => {
    expect(countWins(rows([1, 1], [1, 0]), 2, 0)).toEqual(Int32Array.of(2, 1));
    expect(countWins(rows([1, 1], [1, 0]), 2, 1)).toEqual(Int32Array.of(0, 2));
    expect(countWins(rows([Infinity, Infinity], [-Infinity, -Infinity]), 2, 0)).toEqual(Int32Array.of(2, 0));
  });

  it('counts a NaN for the rival, whoever gave it', () => {
    expect(countWins(rows([NaN, 1], [1, NaN], [NaN, NaN]), 2, 0)).toEqual(Int32Array.of(3, 0));
  });

  it('counts an infinity for the rival, whoever gave it', () => {
    const infinite = rows([Infinity, 0], [-Infinity, 0], [0, Infinity], [0, -Infinity]);
    expect(countWins(infinite, 2, 0)).toEqual(Int32Array.of(4, 0));
    expect(countWins(infinite, 2, 1)).toEqual(Int32Array.of(0, 4));
  });

  it('is at least the votes of the class, against every rival', () => {
    fc.assert(
      fc.property(logitRows({ maxDraws: 12 }), ({ classes, logits }) => {
        countVotes(logits, classes).forEach((votes, c) => {
          expect(Math.min(...countWins(logits, classes, c))).toBeGreaterThanOrEqual(votes);
        });
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('is at most the rows that the rival did not win', () => {
    fc.assert(
      fc.property(logitRows({ maxDraws: 12 }), ({ classes, logits }) => {
        const draws = logits.length / classes;
        const wins = Array.from({ length: classes }, (_, c) => countWins(logits, classes, c));
        for (let c = 0; c < classes; c++) {
          for (let j = 0; j < c; j++) expect(wins[c][j] + wins[j][c]).toBeLessThanOrEqual(draws);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('candidate of the duels', () => {
  it('is the class whose worst duel is best', () => {
    const logits = rows([3, 2, 1], [3, 2, 1], [1, 3, 2], [1, 2, 3]);
    // 0 beats each rival twice; 1 beats 0 twice and 2 three times; 2 beats 0 twice and 1 once.
    expect(worstWins(logits, 3)).toEqual(Int32Array.of(2, 2, 1));
    expect(pairwiseCandidate(worstWins(logits, 3))).toBe(0);
  });

  it('is the Condorcet winner where there is one, even where another class has more votes', () => {
    // Votes 3, 2, 4; class 1 beats 0 by 6 to 3 and 2 by 5 to 4.
    const logits = rows(
      ...Array<number[]>(3).fill([3, 2, 1]),
      ...Array<number[]>(2).fill([1, 3, 2]),
      ...Array<number[]>(4).fill([1, 2, 3]),
    );
    expect(countVotes(logits, 3)).toEqual(Int32Array.of(3, 2, 4));
    expect(pairwiseCandidate(worstWins(logits, 3))).toBe(1);
  });

  it("is label's class whenever that has more than half of the draws, ties and NaN included", () => {
    let majorities = 0;
    fc.assert(
      fc.property(logitRows({ maxDraws: 7 }), ({ classes, logits }) => {
        const votes = countVotes(logits, classes);
        const majority = votes.findIndex((count) => 2 * count > logits.length / classes);
        if (majority < 0) return;
        majorities += 1;
        expect(pairwiseCandidate(worstWins(logits, classes))).toBe(majority);
      }),
      { seed: 1, numRuns: 1000 },
    );
    expect(majorities).toBeGreaterThan(100);
  });
});
