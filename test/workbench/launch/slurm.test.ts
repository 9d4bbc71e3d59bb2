import { describe, expect, it } from 'vitest';
import { launchSettingsSchema, type LaunchSettingsInput } from '../../../src/shared/launch.ts';
import { arraysOf, within } from '../../../src/main/workbench/launch/slurm/arrays.ts';
import {
  parseAccounting,
  parseConfig,
  parseQueue,
  smallestLimit,
  toJob,
} from '../../../src/main/workbench/launch/slurm/queue.ts';
import { quoted, sbatchScript } from '../../../src/main/workbench/launch/slurm/sbatchScript.ts';
import { CERTIFIED_STUDY, planned } from './tinyLaunch.ts';

const { tasks } = planned(CERTIFIED_STUDY, { shards: 5 });
const everything = (largest: number) => arraysOf(tasks, { largest, isOpen: () => true });

describe('job arrays', () => {
  it('have tasks of one kind that wait for the same, in an order in which none comes before what it waits for', () => {
    const arrays = everything(1001);
    expect(arrays.map(({ kind, tasks: of, after }) => [kind, of.length, after.length])).toEqual([
      ['extractor', 1, 0],
      ['heads', 2, 1],
      ['attacks', 5, 2],
      ['attacks', 5, 2],
      ['certificates', 5, 2],
      ['certificates', 5, 2],
    ]);
    const sent = new Set<string>();
    for (const { tasks: of, after } of arrays) {
      for (const id of after) expect(sent).toContain(id);
      for (const { id } of of) sent.add(id);
    }
    expect(sent.size).toBe(tasks.length);
  });

  it('are split to fit the largest that the cluster takes', () => {
    const arrays = everything(2);
    expect(Math.max(...arrays.map(({ tasks: of }) => of.length))).toBe(2);
    expect(arrays.flatMap(({ tasks: of }) => of.map(({ id }) => id)).sort()).toEqual(tasks.map(({ id }) => id).sort());
  });

  it('are cut to the room that there is, from the front', () => {
    const count = (room: number): number =>
      within(everything(1001), room).reduce((sum, { tasks: of }) => sum + of.length, 0);
    expect([0, 1, 2, 9, 1000].map(count)).toEqual([0, 1, 2, 9, tasks.length]);
  });

  it('wait for nothing that has ended', () => {
    const [array] = arraysOf(tasks.slice(1, 3), { largest: 10, isOpen: () => false });
    expect(array.after).toEqual([]);
  });
});

describe('the script of an array', () => {
  const script = (input: LaunchSettingsInput, at = 0): string =>
    sbatchScript({
      name: 'ptw-x-1',
      folder: '/shared/my launches/x',
      settings: launchSettingsSchema.parse(input),
      program: ['/usr/bin/node', '/opt/ptw/main.ts'],
      array: everything(1001)[at],
    });

  it('asks for what the settings say of its kind', () => {
    const text = script({
      partition: 'gpu',
      account: 'proj',
      qos: 'long',
      gres: 'gpu:1',
      cpus_per_task: 8,
      mem: 32,
      time: '1-00:00:00',
      array_parallelism: 16,
      setup: ['module load cuda'],
      additional_parameters: { 'mail-type': 'FAIL', comment: 'two words' },
      stages: { certificates: { time: 90 } },
    });
    for (const line of [
      '#SBATCH --partition=gpu',
      '#SBATCH --account=proj',
      '#SBATCH --qos=long',
      '#SBATCH --gres=gpu:1',
      '#SBATCH --cpus-per-task=8',
      '#SBATCH --mem=32G',
      '#SBATCH --time=1-00:00:00',
      '#SBATCH --array=0-0%16',
      '#SBATCH --signal=B:USR2@120',
      '#SBATCH --requeue',
      '#SBATCH --mail-type=FAIL',
      '#SBATCH --comment="two words"',
      'module load cuda',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toContain("folder='/shared/my launches/x'");
    expect(text).toMatch(/tasks=\(\n {2}0000-extractor\n\)/);
    expect(text).not.toContain('constraint');
  });

  it('names the tasks by their index in the array, and what they wait for', () => {
    const text = script({}, 2);
    expect(text).toContain('#SBATCH --array=0-4\n');
    expect(text).toContain('# 5 tasks: attacks, after 0000-extractor, 0001-heads-source');
    expect(text).toMatch(/tasks=\(\n {2}0003-attacks-source-1of5\n {2}0004-attacks-source-2of5\n/);
  });

  it('quotes what a shell would read otherwise', () => {
    expect(quoted('/plain/path-1.ts')).toBe('/plain/path-1.ts');
    expect(quoted("it's here; rm")).toBe(`'it'\\''s here; rm'`);
  });
});

describe('what Slurm says', () => {
  it('of its queue is read a task a line, whatever the name has in it', () => {
    const lines = parseQueue('12|3|RUNNING|None|node7|a|b\n13|N/A|PENDING|Priority||other\n\n');
    expect(lines).toEqual([
      { job: '12', index: 3, state: 'RUNNING', reason: 'None', node: 'node7', name: 'a|b' },
      { job: '13', index: null, state: 'PENDING', reason: 'Priority', node: '', name: 'other' },
    ]);
    expect(() => parseQueue('slurm_load_jobs error')).toThrow(/squeue printed "slurm_load_jobs error", expected %F/);
  });

  it.each([
    ['PENDING', 'Priority', 'waiting', 'Priority'],
    ['PENDING', 'DependencyNeverSatisfied', 'gone', 'PENDING'],
    ['REQUEUED', 'None', 'waiting', null],
    ['COMPLETING', 'None', 'running', null],
    ['SUSPENDED', 'None', 'running', null],
    ['TIMEOUT', 'None', 'gone', 'TIMEOUT'],
    ['PREEMPTED', 'None', 'gone', 'PREEMPTED'],
    ['A_STATE_OF_TOMORROW', 'None', 'gone', 'A_STATE_OF_TOMORROW'],
  ])('%s because of %s is %s', (state, reason, stands, said) => {
    const job = toJob({ job: '1', index: 0, state, reason, node: '', name: 'x' });
    expect(job).toEqual({ state: stands, id: '1_0', node: null, reason: said });
  });

  it('of jobs that ended is read from the accounts', () => {
    const ended = parseAccounting('12_0|CANCELLED by 1000|node1\n12_1|OUT_OF_MEMORY|node2\n12_[2-5]|PENDING|\n');
    expect([...ended]).toEqual([
      ['12_0', { state: 'CANCELLED', node: 'node1' }],
      ['12_1', { state: 'OUT_OF_MEMORY', node: 'node2' }],
    ]);
  });

  it('of its configuration and limits is read, with the defaults of Slurm where it is silent', () => {
    const text =
      'AccountingStorageType   = accounting_storage/slurmdbd\nMaxArraySize            = 5\nMaxJobCount = 200\n';
    expect(parseConfig(text)).toEqual({ largestArray: 5, maxJobs: 200, hasAccounting: true });
    expect(parseConfig('')).toEqual({ largestArray: 1001, maxJobs: 10_000, hasAccounting: false });
    expect(smallestLimit('100\n\n|50|\n')).toBe(50);
    expect(smallestLimit('\n')).toBe(Infinity);
  });
});
