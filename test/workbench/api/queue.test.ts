import Database from 'better-sqlite3';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkbench, type WorkbenchApi } from '../../../src/main/workbench/api/workbenchApi.ts';
import { openStore } from '../../../src/main/store/store.ts';
import type { CallName, Input, Output } from '../../../src/shared/api/calls.ts';
import type { WorkbenchEvent } from '../../../src/shared/api/events.ts';
import type { ExperimentConfigInput } from '../../../src/shared/config.ts';
import { CallFailed } from '../../../src/shared/api/errors.ts';
import { emptyFolder, TINY } from '../tinyExperiment.ts';

let folder: string;
let workbench: WorkbenchApi;
let events: WorkbenchEvent[];

const open = (): void => {
  workbench = openWorkbench(folder);
  workbench.subscribe((event) => events.push(event));
};
beforeEach(() => {
  folder = emptyFolder();
  events = [];
  open();
});
afterEach(() => workbench.close());

async function ask<Name extends CallName>(call: Name, input: Input<Name>): Promise<Output<Name>> {
  const reply = await workbench.answer({ id: 1, call, input });
  if (!reply.ok) throw new CallFailed(reply.error);
  return reply.output as Output<Name>;
}

/** The first event, of those still to come or since the beginning, that is asked for. */
async function event(matches: (event: WorkbenchEvent) => boolean, since = 0): Promise<WorkbenchEvent> {
  for (;;) {
    const found = events.slice(since).find(matches);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const idle = async (): Promise<void> => {
  for (;;) {
    const { current, entries, isPaused } = await ask('queue.state', {});
    if (current === null && (entries.length === 0 || isPaused)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const statusOf = (run: number): string => {
  const store = openStore(folder, { readonly: true });
  try {
    return store.runs.get(run).status;
  } finally {
    store.close();
  }
};
/** A run that takes a while: training goes on until it is stopped. */
const LONG: ExperimentConfigInput = {
  ...TINY,
  name: 'long',
  training: { ...TINY.training, source: { ...TINY.training.source, maxEpochs: 100_000, patience: 100_000 } },
};
/** Nothing but training, and little of it. */
const SHORT: ExperimentConfigInput = {
  ...TINY,
  noiseAttack: { enabled: false },
  pgd: { enabled: false },
  adversarialSearch: { enabled: false },
  certification: { enabled: false },
};
const named = (name: string, seed: number): ExperimentConfigInput => ({ ...SHORT, name, seed });

describe('the queue refuses', () => {
  it.each([
    [{ ...TINY, instances: 0 }, 'instances'],
    [{ ...TINY, certification: { sigma: 0.1, draws: 5 } }, 'draws'],
    [{ ...TINY, target: { dataset: { folder: '/no/such/folder' } } }, '/no/such/folder'],
  ])('an experiment that cannot be run', async (config, message) => {
    await expect(ask('queue.add', { config: config })).rejects.toThrow(message);
    expect(await ask('queue.state', {})).toMatchObject({ entries: [], current: null });
  });

  it('to resume a run that is not there, with its number', async () => {
    await expect(ask('queue.resume', { run: 7 })).rejects.toThrow('find run 7: there is none of this number');
  });

  it('to move or remove what is no longer there', async () => {
    await expect(ask('queue.remove', { entry: 7 })).rejects.toThrow('entry 7 is no longer there');
    await expect(ask('queue.move', { entry: 7, before: null })).rejects.toThrow('entry 7 is no longer there');
  });

  it('a study that is none', async () => {
    await expect(ask('queue.addStudy', { study: { name: 'x' } })).rejects.toThrow('the study is no valid study');
  });
});

describe('the queue', () => {
  it('works off entries in the order that they are put in, and keeps what is removed from running', async () => {
    await ask('queue.pause', {});
    const entries: number[] = [];
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
      entries.push((await ask('queue.add', { config: named(name, i) })).entry);
    }
    const [a, b, c, d] = entries;
    await ask('queue.move', { entry: d, before: a });
    await ask('queue.move', { entry: a, before: null });
    await ask('queue.move', { entry: b, before: b });
    await ask('queue.remove', { entry: c });
    expect((await ask('queue.state', {})).entries.map(({ name }) => name)).toEqual(['d', 'b', 'a']);
    await ask('queue.continue', {});
    await idle();
    const store = openStore(folder, { readonly: true });
    expect(store.runs.list().map(({ name, status }) => [name, status])).toEqual([
      ['a', 'done'],
      ['b', 'done'],
      ['d', 'done'],
    ]);
    store.close();
  });

  it('tells how a run goes on: stages, progress, epochs and what it logged', async () => {
    await ask('queue.add', { config: TINY });
    const began = await event(({ kind }) => kind === 'stage-began');
    expect(began).toMatchObject({ kind: 'stage-began', run: 1, reused: false });
    const { current } = await ask('queue.state', {});
    expect(current).toMatchObject({ name: 'tiny', run: 1, isCancelling: false });
    expect(current?.engine).toMatch(/tensorflow|wasm/);
    await idle();
    const { stages, work } = await ask('queue.live', { run: 1 });
    const rest = await ask('queue.remaining', { run: 1 });
    expect(rest.seconds > 0).toBe(stages.some(({ status }) => status === 'pending'));
    expect(work).toBeNull();
    expect(new Set(stages.map(({ status }) => status))).toEqual(new Set(['done']));
    const series = await ask('queue.epochs', { run: 1 });
    expect(series.map(({ kind, epoch }) => [kind, epoch.length])).toContainEqual(['extractor', 2]);
    expect(series[0].trainLoss.every((loss) => loss > 0)).toBe(true);
    const log = await ask('queue.log', { run: 1 });
    expect(log[0].text).toMatch(/^Backend: /);
    expect(log.some(({ text }) => text.includes('epoch 2, training loss'))).toBe(true);
    const last = await ask('queue.log', { run: 1, before: log.at(-1)!.id, limit: 2 });
    expect(last).toEqual(log.slice(-3, -1));
    const progress = events.filter(({ kind }) => kind === 'stage-progress');
    expect(progress.length).toBeGreaterThan(0);
    expect(events.filter(({ kind }) => kind === 'log')).toHaveLength(log.length);
  });

  it('cancels at once what can then be resumed', async () => {
    await ask('queue.add', { config: LONG });
    await event(({ kind }) => kind === 'epoch');
    const started = performance.now();
    await ask('queue.cancel', {});
    await idle();
    // Two seconds are promised; a busy machine is given more before a test fails for it.
    expect(performance.now() - started).toBeLessThan(6000);
    expect(statusOf(1)).toBe('interrupted');
    const before = (await ask('queue.epochs', { run: 1 }))[0].epoch.length;
    const since = events.length;
    await ask('queue.resume', { run: 1 });
    await event(({ kind }) => kind === 'epoch', since);
    expect((await ask('queue.epochs', { run: 1 }))[0].epoch.length).toBeGreaterThan(before);
    await expect(ask('queue.resume', { run: 1 })).rejects.toThrow('run 1 is under way');
    await ask('queue.cancel', {});
    await idle();
  });

  it('outlives engines that are killed: the run says why, and the next one is worked off', async () => {
    await ask('queue.add', { config: LONG });
    await ask('queue.add', { config: named('next', 1) });
    await event(({ kind }) => kind === 'epoch');
    // Each is killed as soon as it is there, before it has a result.
    const killing = setInterval(() => killEngine(), 5);
    const crash = await event(({ kind }) => kind === 'engine-crashed');
    clearInterval(killing);
    expect(crash).toMatchObject({ run: 1, message: expect.stringContaining('SIGKILL') as string });
    await idle();
    expect([statusOf(1), statusOf(2)]).toEqual(['failed', 'done']);
    expect((await ask('queue.log', { run: 1 })).at(-1)).toMatchObject({ level: 'error' });
    await ask('queue.resume', { run: 1 });
    await event((one) => one.kind === 'stage-began' && one.run === 1, events.length);
    await ask('queue.cancel', {});
    await idle();
    expect(statusOf(1)).toBe('interrupted');
  });

  it('waits when results cannot be written, and goes on with the same run once they can', async () => {
    const other = new Database(path.join(folder, 'workbench.sqlite'));
    workbench.subscribe(({ kind }) => {
      if (kind === 'queue-paused') other.close();
    });
    await ask('queue.add', { config: named('first', 1) });
    await event(({ kind }) => kind === 'stage-began');
    // For longer than a connection waits, as a disk that is full would be.
    other.exec('BEGIN IMMEDIATE');
    const paused = await event(({ kind }) => kind === 'queue-paused');
    expect(paused).toMatchObject({ run: 1, message: expect.stringContaining('holds the database') as string });
    await idle();
    expect(await ask('queue.state', {})).toMatchObject({ isPaused: true, current: null });
    await ask('queue.continue', {});
    await idle();
    const store = openStore(folder, { readonly: true });
    expect(store.runs.list().map(({ id, name, status }) => [id, name, status])).toEqual([[1, 'first', 'done']]);
    store.close();
  }, 120_000);

  it('is that of one workbench: another one on the folder is refused', () => {
    expect(() => openWorkbench(folder)).toThrow(
      `open the workbench of ${folder}: another process has it open; use that one, or end it first`,
    );
  });

  it('is found again by the next host, the interrupted run first, and waits to be told to go on', async () => {
    await ask('queue.add', { config: LONG });
    await ask('queue.add', { config: named('next', 1) });
    await event(({ kind }) => kind === 'epoch');
    await workbench.close();
    open();
    const state = await ask('queue.state', {});
    expect(state).toMatchObject({ isPaused: true, current: null });
    expect(state.entries.map(({ kind, name }) => [kind, name])).toEqual([
      ['resume', 'long'],
      ['run', 'next'],
    ]);
    await ask('queue.remove', { entry: state.entries[0].entry });
    await ask('queue.continue', {});
    await idle();
    expect(statusOf(2)).toBe('done');
  });

  it('works a study off as one entry', async () => {
    const { name, seed, heads, source, target, training, ...shared } = {
      ...SHORT,
      heads: TINY.heads,
      training: TINY.training,
    };
    expect([name, seed]).toEqual([TINY.name, TINY.seed]);
    const withoutProcedure = ({ procedure, ...settings }: { procedure: string }): object => {
      expect(procedure).toBe('noise');
      return settings;
    };
    const base = {
      ...shared,
      training: { source: withoutProcedure(training.source), heads: withoutProcedure(training.heads) },
    };
    const study = {
      name: 'two seeds',
      scale: 'tiny',
      base,
      transfers: [{ source, target }],
      procedures: ['normal'],
      heads: heads.slice(0, 1),
      seeds: [1, 2],
    };
    const added = await ask('queue.addStudy', { study });
    await event(({ kind }) => kind === 'stage-began');
    expect(await ask('queue.state', {})).toMatchObject({ entries: [], current: { study: added.study } });
    await idle();
    const store = openStore(folder, { readonly: true });
    expect(store.studies.runs(added.study).map(({ runId }) => store.runs.get(runId).status)).toEqual(['done', 'done']);
    store.close();
    expect(events.find(({ kind }) => kind === 'work-refused')).toBeUndefined();
  });
});

/** Kills the engine among this process's children, if one is there. */
function killEngine(): void {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const isEngine = readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('engine/process/main.ts');
      if (parent === process.pid && isEngine) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // Gone between two looks.
    }
  }
}
