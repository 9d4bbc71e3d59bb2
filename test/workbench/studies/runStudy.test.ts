import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listRuns, type RunHost } from '../../../src/main/workbench/workbench.ts';
import { loadStudy } from '../../../src/main/workbench/studies/loadStudy.ts';
import { planStudy, type StudyPlan } from '../../../src/main/workbench/studies/planStudy.ts';
import { resumeStudy, runStudy, type StudyHost } from '../../../src/main/workbench/studies/runStudy.ts';
import { listStudies } from '../../../src/main/workbench/studies/storedStudy.ts';
import { showStudy } from '../../../src/main/workbench/studies/studyReport.ts';
import { reading } from '../../../src/main/workbench/storeOfFolder.ts';
import { fabricateFolder } from '../../data/imageFolder/fabricate.ts';
import { emptyFolder, SILENT } from '../tinyExperiment.ts';
import { quietStudyHost, tinyStudy, TINY_STUDY } from './tinyStudy.ts';

/** Runs of a study that were worked on, and those that were found finished. */
function watching(change: Partial<StudyHost> = {}): { host: StudyHost; worked: string[]; finished: number[] } {
  const worked: string[] = [];
  const finished: number[] = [];
  const entered: StudyHost['entered'] = ({ name }, run) => {
    if (run === null) worked.push(name);
    else finished.push(run);
  };
  return { host: quietStudyHost({ entered, ...change }), worked, finished };
}

const planIn = (folder: string, loaded = tinyStudy()): StudyPlan =>
  reading(folder, (store) => planStudy(store, loaded));
const stateOf = (folder: string): (string | null)[] => showStudy(folder, 1).runs.map(({ status }) => status);

describe('a study', () => {
  const folder = emptyFolder();
  let plan: StudyPlan;
  beforeAll(async () => {
    plan = planStudy(null, tinyStudy());
    await runStudy(folder, tinyStudy(), quietStudyHost());
  });

  it('does what its plan said: so many runs, and so many stages that differ', () => {
    expect(plan.runs.map(({ name, status }) => [name, status])).toEqual([
      ['fashion-mnist → mnist, normal', null],
      ['fashion-mnist → mnist, noise', null],
    ]);
    const runs = listRuns(folder);
    expect(runs.map(({ stages }) => stages)).toEqual(plan.runs.map(({ stages }) => stages));
    expect(plan.stages).toBe(runs.reduce((sum, { stages }) => sum + stages, 0));
    const keys = reading(folder, (store) => runs.flatMap(({ id }) => store.stages.ofRun(id).map(({ key }) => key)));
    expect(new Set(keys).size).toBe(plan.distinctStages);
    expect(plan.storedStages).toBe(0);
  });

  it('is planned as done afterwards, in no time', () => {
    const after = planIn(folder);
    expect(after).toMatchObject({ study: 1, storedStages: plan.distinctStages, forecast: { seconds: 0, kinds: [] } });
    expect(after.runs.map(({ status, own }) => [status, own])).toEqual([
      ['done', 0],
      ['done', 0],
    ]);
  });

  it('begun again by the same document repeats no run', async () => {
    let engines = 0;
    const { host, worked, finished } = watching({ opened: () => engines++ });
    expect(await runStudy(folder, tinyStudy(), host)).toEqual({ study: 1, failures: [] });
    expect([worked, finished, engines]).toEqual([[], [1, 2], 0]);
    expect(listRuns(folder)).toHaveLength(2);
  });

  it('with another base is another study, whose equal stages are taken from the store', async () => {
    const more = tinyStudy({ name: 'other', procedures: ['normal'], base: { ...TINY_STUDY.base, instances: 20 } });
    // Extractor and heads are those of the first study; predictions are on other instances.
    expect(planIn(folder, more).runs).toMatchObject([{ stages: 9, stored: 5, own: 4 }]);
    const did: string[] = [];
    const reporter: RunHost['reporter'] = { ...SILENT, began: ({ title, reused }) => !reused && did.push(title) };
    expect((await runStudy(folder, more, quietStudyHost({ reporter }))).study).toBe(2);
    expect(did).toEqual(['Clean accuracy, source', 'Clean accuracy, target']);
    expect(reading(folder, listStudies)).toMatchObject([
      { id: 2, name: 'other', done: 1 },
      { id: 1, name: 'tiny study', done: 2, failed: 0 },
    ]);
  });

  it('shares what transfers from one source have in common, in plan and work', async () => {
    const twice = tinyStudy({
      transfers: [
        ...TINY_STUDY.transfers,
        { source: { dataset: 'fashion-mnist' }, target: { dataset: 'mnist', trainingInstances: 60 } },
      ],
      procedures: ['normal'],
      seeds: [4],
    });
    const planned = planIn(folder, twice);
    expect(planned.runs.map(({ own }) => own)).toEqual([9, 4]);
    expect([planned.stages, planned.distinctStages]).toEqual([18, 13]);
    const did: string[] = [];
    const reporter: RunHost['reporter'] = { ...SILENT, began: ({ title, reused }) => !reused && did.push(title) };
    await runStudy(folder, twice, quietStudyHost({ reporter }));
    expect(did.filter((title) => /Extractor|source/.test(title))).toHaveLength(3);
  });
});

describe('a study whose engine is killed again and again in the first run', () => {
  const folder = emptyFolder();
  const failed: string[] = [];
  beforeAll(async () => {
    let pids = (): readonly number[] => [];
    // Each that is started in its place, too, until the run is given up.
    const reporter: RunHost['reporter'] = {
      ...SILENT,
      progress: () => {
        if (failed.length === 0) process.kill(pids().at(-1)!, 'SIGKILL');
      },
    };
    const opened: RunHost['opened'] = (engines) => (pids = () => engines.pids());
    const host = quietStudyHost({
      reporter,
      opened,
      failed: ({ name }, error) => failed.push(`${name}: ${error.reason}`),
    });
    const { failures } = await runStudy(folder, tinyStudy(), host);
    expect(failures.map(({ cell }) => cell.position)).toEqual([0]);
  });

  it('goes on with the others, and says of the failed one why', () => {
    expect(failed).toEqual([expect.stringMatching(/normal: the engine was ended by SIGKILL/)]);
    expect(stateOf(folder)).toEqual(['failed', 'done']);
    const { runs, tables } = showStudy(folder, 1);
    expect(runs[0].failure).toMatch(/SIGKILL/);
    expect(tables[0].rows.map(({ missing }) => missing)).toEqual(['failed (run 1)', null, 'failed (run 1)', null]);
    expect(tables[0].rows[0].values[0].ours).toBeNull();
    expect(tables[0].rows[1].values[0].ours).not.toBeNull();
  });

  it('resumes the failed run and no other', async () => {
    const { host, worked, finished } = watching();
    expect(await resumeStudy(folder, 1, host)).toEqual({ study: 1, failures: [] });
    expect([worked, finished]).toEqual([['fashion-mnist → mnist, normal'], [2]]);
    expect(stateOf(folder)).toEqual(['done', 'done']);
    expect(showStudy(folder, 1).tables[0].rows.every(({ missing }) => missing === null)).toBe(true);
  });
});

describe('a study that is told to stop', () => {
  it('keeps what is done, says how to go on, and ends as an undisturbed one', async () => {
    const folder = emptyFolder();
    const abort = new AbortController();
    const reporter: RunHost['reporter'] = {
      ...SILENT,
      began: ({ title }) => {
        if (title.startsWith('Heads') && listRuns(folder).length === 2) abort.abort();
      },
    };
    await expect(runStudy(folder, tinyStudy(), quietStudyHost({ reporter, signal: abort.signal }))).rejects.toThrow(
      'study 1 was interrupted with 1 of 2 runs done; what was done is kept, go on with: ptw study resume 1',
    );
    expect(stateOf(folder)).toEqual(['done', 'interrupted']);
    expect(showStudy(folder, 1).tables[0].rows[1].missing).toBe('interrupted');
    await runStudy(folder, tinyStudy(), quietStudyHost());
    expect(stateOf(folder)).toEqual(['done', 'done']);
    const undisturbed = emptyFolder();
    await runStudy(undisturbed, tinyStudy(), quietStudyHost());
    expect(showStudy(folder, 1).tables).toEqual(showStudy(undisturbed, 1).tables);
  });

  it('before a run does not begin it', async () => {
    const folder = emptyFolder();
    const signal = AbortSignal.abort();
    await expect(runStudy(folder, tinyStudy(), quietStudyHost({ signal }))).rejects.toThrow(/0 of 2 runs done/);
    expect(stateOf(folder)).toEqual([null, null]);
  });
});

describe('a study on folders of images', () => {
  const place = emptyFolder();
  const transfers = [{ source: { dataset: { folder: 'a' } }, target: { dataset: { folder: 'b' } } }];
  const { source: _source, target: _target, ...base } = TINY_STUDY.base;
  const document = { ...TINY_STUDY, base, procedures: ['normal'], transfers };
  const file = path.join(place, 'study.json');
  writeFileSync(file, JSON.stringify(document));
  const folder = emptyFolder();
  const shape = { height: 8, width: 8, channels: 1, train: 12, test: 4 } as const;

  it('is planned without them, saying what is missing, and with them', () => {
    const before = planStudy(null, loadStudy(file));
    expect(before.missing.map(({ dataset }) => dataset)).toEqual(['a', 'b']);
    expect(before.missing[0].reason).toMatch(/looking through a folder of images \(.*a\): folder: got none/);
    expect(before.forecast.seconds).toBe(0);
    fabricateFolder({ ...shape, classes: ['x', 'y', 'z'] }, path.join(place, 'a'));
    fabricateFolder({ ...shape, classes: ['p', 'q', 'r', 's'] }, path.join(place, 'b'));
    const after = planStudy(null, loadStudy(file));
    expect(after).toMatchObject({ missing: [], reduced: [], stages: before.stages });
    expect(after.forecast.seconds).toBeGreaterThan(0);
  });

  it('is run, found again as planned, and shown with its scale and without published numbers when they are gone', async () => {
    expect((await runStudy(folder, loadStudy(file), quietStudyHost())).failures).toEqual([]);
    expect(planIn(folder, loadStudy(file))).toMatchObject({ study: 1, forecast: { seconds: 0 } });
    const before = showStudy(folder, 1);
    for (const name of ['a', 'b']) rmSync(path.join(place, name), { recursive: true });
    expect(showStudy(folder, 1)).toEqual(before);
    const [{ rows, hasPublished }] = before.tables;
    expect(hasPublished).toBe(false);
    expect(rows[0].scale).toMatch(/36→48 img\.$/);
    expect(planIn(folder, loadStudy(file)).missing).toHaveLength(2);
  });
});

describe('a plan without data files', () => {
  it('names the sets that are missing and why, and those of which only the bundled part is here', () => {
    const plan = planStudy(null, loadStudy('paper-table-1'));
    expect(plan.runs).toHaveLength(16);
    expect(plan.missing.map(({ dataset }) => dataset)).toEqual(expect.arrayContaining(['svhn', 'cifar10', 'stl10']));
    expect(plan.missing.find(({ dataset }) => dataset === 'svhn')!.reason).toMatch(/ptw data get svhn/);
    expect([plan.stages, plan.distinctStages]).toEqual([80, 80]);
    expect(plan.forecast.kinds.map(({ kind }) => kind)).toEqual(['extractor', 'head', 'prediction']);
  });
});
