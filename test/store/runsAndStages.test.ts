import { describe, expect, it } from 'vitest';
import { currentOwner } from '../../src/main/store/owner.ts';
import { openStore, type Store } from '../../src/main/store/store.ts';
import type { NewStage } from '../../src/main/store/tables/stage.ts';
import { keyOf, refusalOf, temporaryFolder } from './fixtures.ts';

const open = (): Store => openStore(temporaryFolder(), { now: () => new Date(0) });
const newRun = { name: 'demo', config: { seed: -0, lambda: Infinity }, environment: { backend: 'wasm' } };
const extractor: NewStage = { key: keyOf('e'), kind: 'extractor', domain: null, headLabel: null, inputs: { seed: 1 } };
/** This process's id, but of a process that started at another time: the id was used again. */
const dead = { ...currentOwner(), startToken: 'another start' };

describe('runs', () => {
  it('refuse an unknown number and an end they cannot have', () => {
    const { runs } = open();
    expect(refusalOf(() => runs.get(3)).message).toContain('ptw runs');
    const { id } = runs.create(newRun);
    runs.finish(id, 1);
    for (const end of [
      () => {
        runs.finish(id, 1);
      },
      () => {
        runs.interrupt(id, 1);
      },
      () => {
        runs.fail(9, { failure: 'x', seconds: 0 });
      },
    ]) {
      expect(refusalOf(end).code).toBe('not-found');
    }
  });

  it('keep what they were made with, and how they ended', () => {
    const { runs } = open();
    const createdAt = '1970-01-01T00:00:00.000Z';
    const run = runs.create(newRun);
    expect(run).toStrictEqual({
      ...newRun,
      id: run.id,
      status: 'running',
      failure: null,
      createdAt,
      finishedAt: null,
      seconds: null,
      owner: currentOwner(),
    });
    runs.interrupt(run.id, 2);
    expect(runs.get(run.id)).toMatchObject({ status: 'interrupted', finishedAt: null, seconds: 2 });
    runs.resume(run.id, { environment: { backend: 'tensorflow' } });
    runs.fail(run.id, { failure: 'the loss is NaN', seconds: 3 });
    expect(runs.get(run.id)).toMatchObject({
      status: 'failed',
      failure: 'the loss is NaN',
      finishedAt: createdAt,
      seconds: 5,
      environment: { backend: 'tensorflow' },
    });
    expect(runs.resume(run.id, { environment: {} })).toMatchObject({
      status: 'running',
      failure: null,
      finishedAt: null,
    });
    runs.finish(run.id, 1);
    expect(runs.list()).toMatchObject([{ id: run.id, status: 'done', seconds: 6, stages: 0, certificates: 0 }]);
  });

  it('of dead processes become interrupted, of living ones go on', () => {
    const { runs, stages } = open();
    const alive = runs.create(newRun);
    const left = runs.create(newRun, dead);
    const shared = stages.ensureStage(extractor).id;
    const own = stages.ensureStage({ ...extractor, key: keyOf('own') }).id;
    for (const id of [shared, own]) stages.setStatus(id, { status: 'running' });
    stages.link(left.id, shared, 0);
    stages.link(left.id, own, 1);
    stages.link(alive.id, shared, 0);
    expect(runs.markStale()).toEqual([left.id]);
    expect(runs.markStale()).toEqual([]);
    expect([runs.get(alive.id).status, runs.get(left.id).status]).toEqual(['running', 'interrupted']);
    expect([stages.get(shared).status, stages.get(own).status]).toEqual(['running', 'pending']);
    expect(stages.ofRun(left.id).map(({ id }) => id)).toEqual([shared, own]);
  });

  it('are resumed from dead processes only', () => {
    const { runs } = open();
    const alive = runs.create(newRun);
    expect(refusalOf(() => runs.resume(alive.id, { environment: {} })).code).toBe('conflict');
    const left = runs.create(newRun, dead);
    expect(runs.resume(left.id, { environment: {} })).toMatchObject({ status: 'running', owner: currentOwner() });
  });
});

describe('stages', () => {
  it('refuse a key that is no hash, and one key for two kinds', () => {
    const { stages } = open();
    expect(refusalOf(() => stages.ensureStage({ ...extractor, key: 'E'.repeat(64) })).code).toBe('invalid');
    stages.ensureStage(extractor);
    const refusal = refusalOf(() => stages.ensureStage({ ...extractor, kind: 'head' }));
    expect(refusal.code).toBe('conflict');
    expect(refusal.message).toContain('got head on null, but it is stored as extractor on null');
    expect(
      refusalOf(() => {
        stages.setStatus(9, { status: 'done' });
      }).code,
    ).toBe('not-found');
    expect(refusalOf(() => stages.get(9)).code).toBe('not-found');
  });

  it('are one a key, in as many runs as need them, in each run’s order', () => {
    const { runs, stages } = open();
    const first = stages.ensureStage(extractor);
    expect(first).toStrictEqual({
      ...extractor,
      id: first.id,
      status: 'pending',
      metrics: null,
      environment: null,
      seconds: null,
    });
    stages.setStatus(first.id, { status: 'done', metrics: { loss: NaN }, environment: { v: 1 }, seconds: 1.5 });
    stages.setStatus(first.id, { status: 'done' });
    expect(stages.ensureStage(extractor)).toStrictEqual({
      ...extractor,
      id: first.id,
      status: 'done',
      metrics: { loss: NaN },
      environment: { v: 1 },
      seconds: 1.5,
    });
    expect(stages.findByKey(extractor.key)?.id).toBe(first.id);
    expect(stages.findByKey(keyOf('none'))).toBeNull();
    const head = stages.ensureStage({ ...extractor, key: keyOf('h'), kind: 'head', domain: 'target', headLabel: 'h' });
    const run = runs.create(newRun);
    stages.link(run.id, head.id, 0);
    stages.link(run.id, first.id, 0);
    stages.link(run.id, head.id, 1);
    expect(stages.ofRun(run.id).map(({ kind }) => kind)).toEqual(['extractor', 'head']);
    expect(runs.list()[0]).toMatchObject({ stages: 2, stagesDone: 1 });
  });

  it('replace the record of an epoch done again after a checkpoint', () => {
    const { stages } = open();
    const { id } = stages.ensureStage(extractor);
    const diverged = { epoch: 1, trainLoss: NaN, validationLoss: Infinity, validationAccuracy: 0.1, seconds: 1 };
    const again = { epoch: 1, trainLoss: 0.25, validationLoss: null, validationAccuracy: null, seconds: 2 };
    const zeroth = { ...diverged, epoch: 0 };
    stages.recordEpoch(id, diverged);
    stages.recordEpoch(id, zeroth);
    expect(stages.epochs(id)).toStrictEqual([zeroth, diverged]);
    stages.recordEpoch(id, again);
    expect(stages.epochs(id)).toStrictEqual([zeroth, again]);
  });
});
