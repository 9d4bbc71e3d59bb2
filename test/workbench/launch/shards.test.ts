import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEngines, type Engines } from '../../../src/main/engine/process/engines.ts';
import { openStore, type Store } from '../../../src/main/store/store.ts';
import { artefactPath } from '../../../src/main/store/artefactFiles.ts';
import { knownIn, NOTHING_KNOWN, type Known } from '../../../src/main/workbench/launch/createLaunch.ts';
import { importShards } from '../../../src/main/workbench/launch/importShards.ts';
import type { LaunchFile } from '../../../src/main/workbench/launch/launchFile.ts';
import { takeIn } from '../../../src/main/workbench/launch/launchInStore.ts';
import { openLaunch } from '../../../src/main/workbench/launch/openLaunch.ts';
import { artefactsOf, readProgress, readRecords, shardPath } from '../../../src/main/workbench/launch/records.ts';
import { runTask } from '../../../src/main/workbench/launch/runTask.ts';
import { runStudy } from '../../../src/main/workbench/studies/runStudy.ts';
import { quietStudyHost, tinyStudy } from '../studies/tinyStudy.ts';
import { emptyFolder, quietHost } from '../tinyExperiment.ts';
import { contentOf } from './contentOf.ts';
import { CERTIFIED_STUDY, lentEngines, passingFolder, written } from './tinyLaunch.ts';

// Trainings differ with the number of threads; engines of this file have as many as the runs that they are compared with.
process.env['PTW_THREADS'] = '1';
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const loaded = tinyStudy(CERTIFIED_STUDY);
let reference: string;
let engines: Awaited<ReturnType<typeof lentEngines>>;
/** The whole study, computed as a launch. */
let whole: { readonly launch: LaunchFile; readonly folder: string };

beforeAll(async () => {
  reference = emptyFolder();
  await runStudy(reference, loaded, quietStudyHost());
  engines = await lentEngines();
  whole = written(loaded, { shards: 2 }, NOTHING_KNOWN, emptyFolder());
  await computeAll(whole.folder, whole.launch);
});
afterAll(() => engines.close());

/** Of it, for a test that spoils it. */
function copyOfWhole(): typeof whole {
  const folder = join(passingFolder(), 'copy');
  cpSync(whole.folder, folder, { recursive: true });
  return { ...whole, folder };
}

const host = (change: { readonly signal?: AbortSignal; readonly engines?: () => Promise<Engines> } = {}) => ({
  ...quietHost(change),
  engines: change.engines ?? engines.lend,
});
async function computeAll(folder: string, { tasks }: LaunchFile): Promise<void> {
  for (const { id } of tasks) expect(await runTask(folder, id, host())).toBe('done');
}
const takeAll = (store: Store, folder: string, launch: LaunchFile) =>
  takeIn(
    store,
    { launch, folder, place: { folder, launcher: 'local', ssh: null, command: 'ptw' } },
    openLaunch(folder).done(),
  );
/** All of the reference but what is done to instances of the target. */
function trainedAndSource(): { known: Known; close: () => void } {
  const store = openStore(reference, { readonly: true });
  const known = knownIn(store);
  const isOpen = (key: string): boolean => {
    const stage = store.stages.findByKey(key);
    return stage?.domain === 'target' && stage.kind !== 'head';
  };
  return { known: { ...known, has: (key) => !isOpen(key) && known.has(key) }, close: () => store.close() };
}
function onTarget(shards: number): typeof whole {
  const { known, close } = trainedAndSource();
  try {
    return written(loaded, { shards }, known);
  } finally {
    close();
  }
}

describe('a study as shards', () => {
  it.each([1, 4, 16])('in %i parts gives what one machine gives, to the last bit of its evidence', async (shards) => {
    const { launch, folder } = onTarget(shards);
    expect(launch.tasks.length).toBe(2 * shards);
    await computeAll(folder, launch);
    const home = passingFolder();
    const store = openStore(home);
    expect(takeAll(store, folder, launch).refused).toEqual([]);
    store.close();
    const evaluated = (of: string) =>
      (contentOf(of) as { stages: { kind: string; domain: string; status: string }[] }).stages.filter(
        ({ kind, domain }) => domain === 'target' && kind !== 'head',
      );
    expect(evaluated(home)).toEqual(evaluated(reference));
    expect(evaluated(home).every(({ status }) => status === 'done')).toBe(true);
  });

  it('goes from the extractor to the certificates, and its runs end as those that were begun here', () => {
    const home = passingFolder();
    const store = openStore(home);
    takeAll(store, whole.folder, whole.launch);
    store.close();
    expect(contentOf(home)).toEqual(contentOf(reference));
  });
});

describe('an interrupted task', () => {
  it('goes on from its last committed certificate', async () => {
    const { launch, folder } = onTarget(1);
    const { id } = launch.tasks.find(({ kind }) => kind === 'certificates')!;
    const abort = new AbortController();
    let certified = 0;
    // Told to stop after a few instances, as ahead of a time limit.
    const stopping = async (): Promise<Engines> => {
      const lent = await startEngines({ ...process.env, PTW_ENGINES: '1' });
      return {
        backend: lent.backend,
        undividedSideBySide: lent.undividedSideBySide,
        pids: () => lent.pids(),
        restart: (how) => lent.restart(how),
        close: () => lent.close(),
        run: (jobs, onEvent, signal) =>
          lent.run(
            jobs,
            (event) => {
              onEvent(event);
              if (event.kind === 'certificates' && ++certified === 3) abort.abort();
            },
            signal,
          ),
      };
    };
    expect(await runTask(folder, id, host({ signal: abort.signal, engines: stopping }))).toBe('again');
    const saved = readProgress(folder, id)!;
    // Three instances under two heads.
    expect(saved.committed).toBeGreaterThanOrEqual(6);
    expect(readRecords(folder, id).attempts[0].end).toMatchObject({
      outcome: 'interrupted',
      committed: saved.committed,
    });
    let again = 0;
    const counting = async (): Promise<Engines> => {
      const lent = await startEngines({ ...process.env, PTW_ENGINES: '1' });
      const run: Engines['run'] = (jobs, onEvent, signal) =>
        lent.run(
          jobs,
          (event) => {
            if (event.kind === 'certificates') again += event.certified.length;
            onEvent(event);
          },
          signal,
        );
      return {
        backend: lent.backend,
        undividedSideBySide: lent.undividedSideBySide,
        pids: () => lent.pids(),
        restart: (how) => lent.restart(how),
        close: () => lent.close(),
        run,
      };
    };
    const outcome = await runTask(folder, id, host({ engines: counting }));
    expect(readRecords(folder, id).attempts[1].end?.reason).toBeNull();
    expect(outcome).toBe('done');
    // Two heads on 16 instances, without those that were saved.
    expect(again).toBe(32 - saved.committed);
    expect(await runTask(folder, id, host())).toBe('done');
    expect(readRecords(folder, id).attempts.length).toBe(2);
  });

  it('begins anew where what it saved was damaged', async () => {
    const { launch, folder } = onTarget(1);
    const { id } = launch.tasks.find(({ kind }) => kind === 'certificates')!;
    const hash = 'a'.repeat(64);
    writeFileSync(
      `${folder}/progress/${id}.json`,
      JSON.stringify({ attempt: 1, at: '', committed: 9, hash, artefacts: [] }),
    );
    writeFileSync(`${folder}/progress/${hash}.sqlite`, 'no database');
    const notices: string[] = [];
    const telling = host();
    const reporter = { ...telling.reporter, notice: (text: string) => void notices.push(text) };
    expect(await runTask(folder, id, { ...telling, reporter })).toBe('done');
    expect(notices.join('\n')).toMatch(
      /what an earlier attempt saved cannot be read, so the task begins anew.*SHA-256/,
    );
  });
});

describe('an import refuses', () => {
  it('a shard whose bytes were changed, and takes the others', () => {
    const { folder } = copyOfWhole();
    const [first, ...others] = openLaunch(folder).done();
    const file = shardPath(folder, first.shard);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    const store = openStore(passingFolder());
    const imported = importShards(store, folder, [first, ...others]);
    expect(imported.added.length).toBe(others.length);
    expect(imported.refused).toEqual([
      { task: first.task, reason: expect.stringMatching(/SHA-256.*the file was damaged on its way/) as string },
    ]);
    store.close();
  });

  it('weights that are not what their hash says, leaving nothing of the shard behind', () => {
    const { launch, folder } = copyOfWhole();
    const [extractor] = launch.tasks;
    const [done] = openLaunch(folder).done();
    writeFileSync(artefactPath(artefactsOf(folder), done.weights[extractor.stages[0]]), 'other bytes');
    const store = openStore(passingFolder());
    expect(importShards(store, folder, [done]).refused[0].reason).toMatch(/read artefact: the SHA-256 of/);
    expect(store.stages.findByKey(extractor.stages[0])).toBeNull();
    expect(store.shards.hashesOf(launch.name)).toEqual([]);
    store.close();
  });

  it('what was computed with other weights than the database has', () => {
    const { launch, folder } = whole;
    const [extractor] = launch.tasks;
    const home = passingFolder();
    const store = openStore(home);
    const plan = launch.cells[0].stages.find(({ key }) => key === extractor.stages[0])!;
    const { id } = store.stages.ensureStage({ ...plan, headLabel: null });
    store.artefacts.put(id, { role: 'weights', kind: 'extractor', bytes: new Uint8Array([1]) });
    const { refused } = importShards(store, folder, openLaunch(folder).done());
    expect(refused.length).toBe(launch.tasks.length);
    expect(refused[0].reason).toMatch(
      /computed with the weights [0-9a-f]{64} of the extractor .* and the database has/,
    );
    store.close();
  });
});

it('a shard that a deletion took along comes in again', () => {
  const { launch, folder } = whole;
  const home = passingFolder();
  const store = openStore(home);
  takeAll(store, folder, launch);
  store.runList.delete([1]);
  expect(store.shards.hashesOf(launch.name)).toEqual([]);
  expect(takeAll(store, folder, launch).added.length).toBe(launch.tasks.length);
  store.close();
  expect((contentOf(home) as { stages: unknown }).stages).toEqual((contentOf(reference) as { stages: unknown }).stages);
});
