import { describe, expect, it } from 'vitest';
import { simulate, type TimedTask } from '../../bench/gridSimulation.ts';

const task = (id: string, seconds: number, ...needs: string[]): TimedTask => ({ id, kind: 'x', seconds, needs });

describe('a simulation', () => {
  it('of independent tasks on one worker is their sum, without idling', () => {
    expect(simulate([task('a', 1), task('b', 2), task('c', 3)], 1)).toMatchObject({
      makespan: 6,
      idle: 0,
      longestChain: 3,
    });
  });

  it('of equal tasks on as many workers is one of them', () => {
    expect(simulate([task('a', 2), task('b', 2)], 2)).toMatchObject({ makespan: 2, idle: 0 });
  });

  it('waits for what a task needs, and is never shorter than the longest chain', () => {
    const tasks = [task('a', 2), task('b', 3, 'a'), task('c', 4, 'b'), task('d', 1)];
    const { makespan, idle, longestChain, chain } = simulate(tasks, 10);
    expect({ makespan, longestChain, chain }).toEqual({ makespan: 9, longestChain: 9, chain: ['a', 'b', 'c'] });
    expect(idle).toBeCloseTo(1 - 10 / 90, 12);
  });

  it('lets a later task overtake one that has to wait', () => {
    expect(simulate([task('a', 1), task('b', 1, 'a'), task('c', 5)], 2).makespan).toBe(5);
  });
});
