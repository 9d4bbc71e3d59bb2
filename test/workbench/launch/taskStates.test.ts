import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/main/workbench/launch/launcher.ts';
import { triesUsed, type End, type TaskRecords } from '../../../src/main/workbench/launch/records.ts';
import { taskStates, toSend } from '../../../src/main/workbench/launch/taskStates.ts';
import { CERTIFIED_STUDY, planned } from './tinyLaunch.ts';

const { tasks } = planned(CERTIFIED_STUDY, { shards: 1 });
const at = '2026-01-01T00:00:00Z';

type Ended = Partial<End> | null;
/** Attempts in their order; null for one that left no end. */
function records(ends: readonly Ended[], change: Partial<TaskRecords> = {}): TaskRecords {
  return {
    attempts: ends.map((end, i) => ({
      task: 't',
      attempt: i + 1,
      at,
      host: 'node1',
      pid: 1,
      startToken: '',
      job: null,
      end: end === null ? null : { attempt: i + 1, at, outcome: 'failed', reason: 'no', committed: 0, ...end },
    })),
    progress: null,
    done: null,
    starts: ends.length,
    countedFrom: 1,
    startsBefore: 0,
    ...change,
  };
}
const DONE = {
  task: 't',
  attempt: 1,
  at,
  shard: '0'.repeat(64),
  bytes: 1,
  committed: 3,
  weights: {},
  devices: [],
  seconds: 1,
};
const done = records([{ outcome: 'done' }], { done: DONE });
const job = (state: Job['state']): Job => ({ state, id: '1_0', node: 'node1', reason: null });

/** States of extractor, heads on the source, and the others that need neither of them done, as id: state. */
function states(of: Record<number, TaskRecords>, jobs: Record<number, Job> = {}, cancelled: readonly number[] = []) {
  const standings = taskStates(tasks, {
    records: new Map(tasks.map(({ id }, i) => [id, of[i] ?? records([])])),
    jobs: new Map(Object.entries(jobs).map(([i, one]) => [tasks[Number(i)].id, one])),
    cancelled: new Set(cancelled.map((i) => tasks[i].id)),
    tries: 3,
  });
  return { standings, of: standings.map(({ state }) => state) };
}

describe('a task', () => {
  it('is unsent, waiting, running and done, as scheduler and folder say', () => {
    expect(states({}).of[0]).toBe('unsent');
    expect(states({}, { 0: job('waiting') }).of[0]).toBe('waiting');
    expect(states({ 0: records([null]) }, { 0: job('running') }).of[0]).toBe('running');
    // The scheduler may be late.
    expect(states({ 0: done }, { 0: job('running') }).of[0]).toBe('done');
  });

  it('that is gone without a word is lost, and sent again until its tries are used up', () => {
    const gone = { 0: job('gone') };
    expect(states({}, gone).of[0]).toBe('lost');
    expect(states({ 0: records([null, null]) }, gone).of[0]).toBe('lost');
    const { standings } = states({ 0: records([null, null, null]) }, gone);
    expect(standings[0]).toMatchObject({
      state: 'failed',
      tries: 3,
      reason: 'it was killed on node1, and left no word',
    });
  });

  it('that fails says why, and keeps those that need it waiting, and no others', () => {
    const { standings, of } = states(
      { 0: done, 1: records([{}, {}, { reason: 'out of memory' }]) },
      { 1: job('gone') },
    );
    expect(standings[1]).toMatchObject({ state: 'failed', reason: 'out of memory' });
    expect(tasks.map(({ id }, i) => [id, of[i]])).toEqual([
      ['0000-extractor', 'done'],
      ['0001-heads-source', 'failed'],
      ['0002-heads-target', 'unsent'],
      ['0003-attacks-source', 'blocked'],
      ['0004-attacks-target', 'unsent'],
      ['0005-certificates-source', 'blocked'],
      ['0006-certificates-target', 'unsent'],
    ]);
    expect(toSend(standings).map(({ id }) => id)).toEqual([
      '0002-heads-target',
      '0004-attacks-target',
      '0006-certificates-target',
    ]);
  });

  it('whose lines of setup fail makes no attempt, and is not tried for ever', () => {
    const { standings } = states({ 0: records([], { starts: 3 }) }, { 0: job('gone') });
    expect(standings[0]).toMatchObject({
      state: 'failed',
      attempts: 0,
      reason: expect.stringMatching(/line of setup/) as string,
    });
  });

  it('that is refused is not tried again', () => {
    expect(states({ 0: records([{ outcome: 'refused' }]) }, { 0: job('gone') }).of[0]).toBe('failed');
  });

  it('that is cancelled is sent by nobody', () => {
    const { of } = states({ 0: done }, { 1: job('gone') }, [1]);
    expect([of[1], of[3]]).toEqual(['cancelled', 'blocked']);
  });

  it('that failed and was told to go on is sent again', () => {
    expect(states({ 0: records([{}, {}, {}], { countedFrom: 4, startsBefore: 3 }) }, { 0: job('gone') }).of[0]).toBe(
      'lost',
    );
  });
});

describe('tries in a row', () => {
  it.each<[string, readonly Ended[], Partial<TaskRecords>, number]>([
    ['count attempts that committed nothing', [{}, null, {}], {}, 3],
    ['begin anew with one that got further', [{}, { committed: 4 }, { committed: 4 }], {}, 1],
    [
      'are none where every attempt got further, as with time limits',
      [{ committed: 1 }, { committed: 2 }, { committed: 3 }],
      {},
      0,
    ],
    [
      'know from what was saved how far one came that was killed',
      [{}, null],
      { progress: { attempt: 2, at, committed: 5, hash: '0'.repeat(64), artefacts: [] } },
      0,
    ],
    ['are counted anew after a reset', [{}, {}, {}], { countedFrom: 3, startsBefore: 2 }, 1],
    ['count being taken up without coming to an attempt', [{}], { starts: 3 }, 3],
  ])('%s', (_name, ends, change, tries) => {
    expect(triesUsed(records(ends, change), true)).toBe(tries);
  });

  it('do not count the one that is under way', () => {
    expect(triesUsed(records([{}, null]), false)).toBe(1);
  });
});
