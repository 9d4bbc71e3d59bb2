import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CallFailed } from '../../src/shared/api/errors.ts';
import { openStore } from '../../src/main/store/store.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { openedWorkbench, type OpenedWorkbench } from '../openedWorkbench.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsIn, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

const DISK_BYTES = 32 << 20;

export const disk: Attack = {
  name: 'disk',
  title: 'a disk (tmpfs) that is full after so many bytes of a run, and has room again later; needs root on Linux',
  count: 100,
  async run({ seed, count, say }, tally) {
    const random = new Random(seed, 'disk');
    const config = tinyConfig(fabricateImages());
    const folder = emptyFolder();
    const workbench = openedWorkbench(folder);
    await workbench.ask('queue.add', { config });
    await workbench.idle();
    await workbench.close();
    const findings = findingsOf(folder, 1);
    const needed = await bytesNeeded(config);
    say(`a whole run takes ${needed} bytes of disk`);
    for (let i = 0; i < count; i++) {
      // Each room its own slice of the whole, at random within it.
      const room = Math.floor((needed * (i + random.next())) / count);
      await withDisk((on) => fullAfter(on, { room, config, findings, tally }));
      if ((i + 1) % 10 === 0) say(`${i + 1} of ${count} offsets`);
    }
    rmSync(folder, { recursive: true });
  },
};

async function withDisk(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ptw-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'ptw-torture', folder]);
  try {
    await body(folder);
  } finally {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  }
}

/** Of the database, its log and the artefacts, while it is open. */
async function bytesNeeded(config: ReturnType<typeof tinyConfig>): Promise<number> {
  let bytes = 0;
  await withDisk(async (folder) => {
    const workbench = openedWorkbench(folder);
    const before = free(folder);
    await workbench.ask('queue.add', { config });
    await workbench.idle();
    bytes = before - free(folder);
    await workbench.close();
  });
  return bytes;
}

function free(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

interface Inputs {
  readonly room: number;
  readonly config: ReturnType<typeof tinyConfig>;
  readonly findings: Findings;
  readonly tally: Tally;
}

async function fullAfter(folder: string, { room, config, findings, tally }: Inputs): Promise<void> {
  const workbench = openedWorkbench(folder);
  const filler = fill(folder, room);
  try {
    if (await isRefused(workbench, config, tally)) {
      rmSync(filler);
      await workbench.ask('queue.add', { config });
    }
    await workbench.idle();
    await checkPause(workbench, folder, { room, tally });
    rmSync(filler, { force: true });
    await goOn(workbench);
    const store = openStore(folder, { readonly: true });
    const runs = store.runs.list();
    const isDone = runs.length === 1 && runs[0].status === 'done';
    tally.hold(
      'gone on with once there is room: one run, done',
      isDone,
      () => `room ${room}: ${runs.map((run) => run.status).join()}`,
    );
    const isSame = isDone && isDeepStrictEqual(findingsIn(store, runs[0].id), findings);
    tally.hold('gone on with once there is room: all results equal an undisturbed run', isSame, () => `room ${room}`);
    store.close();
  } finally {
    await workbench.close();
  }
}

/** Fills the disk up to so many bytes. */
function fill(folder: string, room: number): string {
  const file = path.join(folder, 'filler');
  const descriptor = openSync(file, 'w');
  const piece = Buffer.alloc(1 << 16);
  try {
    for (let left = free(folder) - room; left > 0; left -= piece.length) {
      writeSync(descriptor, piece, 0, Math.min(left, piece.length));
    }
  } finally {
    closeSync(descriptor);
  }
  return file;
}

const SENTENCE = /no space is left for .*; everything committed before is kept\. Free some space, then resume the run/;

/** Whether there was not even room for the entry of the queue. */
async function isRefused(workbench: OpenedWorkbench, config: Inputs['config'], tally: Tally): Promise<boolean> {
  try {
    await workbench.ask('queue.add', { config });
    return false;
  } catch (error) {
    const { message } = error as Error;
    tally.hold(
      'no room for the entry of the queue: refused, in a sentence',
      error instanceof CallFailed && SENTENCE.test(message),
      () => message,
    );
    return true;
  }
}

async function checkPause(
  workbench: OpenedWorkbench,
  folder: string,
  { room, tally }: Pick<Inputs, 'room' | 'tally'>,
): Promise<void> {
  const paused = workbench.events.findLast((event) => event.kind === 'queue-paused');
  const state = await workbench.ask('queue.state', {});
  if (paused === undefined) {
    const others = workbench.events.filter(({ kind }) => kind === 'work-refused' || kind === 'engine-crashed');
    tally.hold(
      'there was room enough for the run',
      others.length === 0,
      () => `room ${room}: ${JSON.stringify(others)}`,
    );
    return;
  }
  tally.hold(
    'full: the queue is paused, saying why in a sentence',
    state.isPaused && SENTENCE.test(paused.message),
    () => paused.message,
  );
  const store = openStore(folder, { readonly: true });
  for (const stage of paused.run === null ? [] : store.stages.ofRun(paused.run)) {
    for (const { hash, role } of store.artefacts.ofStage(stage.id)) {
      tally.hold(`full: old ${role} load`, store.artefacts.read(hash).length > 0);
    }
    store.results.certifiedIndices(stage.id).forEach((index) => store.results.instanceCertificates(stage.id, index));
  }
  store.close();
  // While the disk is full it may be told to go on and is paused again; now and then, since it takes its time.
  if (room % 5 !== 0) return;
  await workbench.ask('queue.continue', {}).catch(() => undefined);
  await workbench.idle();
}

async function goOn(workbench: OpenedWorkbench): Promise<void> {
  const { isPaused } = await workbench.ask('queue.state', {});
  if (isPaused) await workbench.ask('queue.continue', {});
  await workbench.idle();
}
