import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../../src/main/store/owner.ts';
import { openStore } from '../../src/main/store/store.ts';
import { importShards } from '../../src/main/workbench/launch/importShards.ts';
import { readLaunchFile } from '../../src/main/workbench/launch/launchFile.ts';
import { takeIn } from '../../src/main/workbench/launch/launchInStore.ts';
import { openLaunch } from '../../src/main/workbench/launch/openLaunch.ts';
import { recordsOf } from '../../src/main/workbench/launch/records.ts';
import { provenanceSchema } from '../../src/main/workbench/launch/provenance.ts';
import { contentOf } from '../workbench/launch/contentOf.ts';
import { startCluster, until, whyNoSlurm, type Cluster } from './cluster.ts';
import { LAUNCH_STUDY } from './launchStudy.ts';
import { startPtw, type Started } from './processes.ts';

const KILLS = 8;
const why = whyNoSlurm();
if (why !== null) process.stderr.write(`\n!!! NOT TESTED: launches on Slurm are skipped on this machine: ${why} !!!\n`);

/** Numbers in [0, 1) that are the same every time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

describe.skipIf(why !== null)('a study of 44 tasks on a real Slurm', () => {
  let cluster: Cluster;
  let folder: string;
  let study: string;
  const children: ChildProcess[] = [];
  const home = (name: string): string => join(folder, name);

  beforeAll(async () => {
    cluster = await startCluster();
    folder = mkdtempSync(join(tmpdir(), 'ptw-launch-'));
    study = join(folder, 'study.json');
    writeFileSync(study, JSON.stringify(LAUNCH_STUDY));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (args: readonly string[], of: string): Started => {
    const started = startPtw(args, {
      ...cluster.environment,
      PTW_HOME: home(of),
      PTW_THREADS: '1',
      PTW_ENGINES: '1',
      PTW_LOOK_MILLISECONDS: '1000',
    });
    children.push(started.child);
    return started;
  };

  it('ends as a run on one machine does, whatever is killed meanwhile, and is taken in in any order', async () => {
    const random = randomFrom(7);
    const settings = ['--launch-set', 'shards=2', '--launch-set', 'poll_s=1', '--launch-set', 'cpus_per_task=1'];
    const first = start(['study', study, '--on', 'slurm', ...settings], 'sent');
    await until(() => first.said().includes('running'), 120);
    const launchFolder = /in (\/\S+launches\/\S+)/.exec(first.said())![1];
    const { tasks, name } = readLaunchFile(launchFolder);
    expect(tasks.length).toBeGreaterThanOrEqual(40);
    const ids = tasks.map(({ id }) => id);
    const doneCount = (): number =>
      [...recordsOf(launchFolder, ids).values()].filter(({ done }) => done !== null).length;

    // 8 tasks are killed: their process, the whole job, or by Slurm as it preempts.
    const killed = new Set<string>();
    let follower = first;
    let restarted = false;
    let followerKilled = false;
    while (killed.size < KILLS) {
      const running = [...recordsOf(launchFolder, ids)].flatMap(([task, { attempts, done }]) => {
        const last = attempts.at(-1);
        if (done !== null || last?.end !== null || killed.has(task)) return [];
        return isAlive(last) ? [last] : [];
      });
      // Not every task that could be killed is, so that kills spread over the study.
      if (running.length > 0 && random() < 0.3) {
        const victim = running[Math.floor(random() * running.length)];
        killed.add(victim.task);
        const how = killed.size % 3;
        if (how === 0) process.kill(victim.pid, 'SIGKILL');
        else if (how === 1) cluster.command('scancel', '--signal=KILL', '--full', victim.job!);
        else cluster.command('scontrol', 'requeue', victim.job!);
      }
      if (killed.size === 3 && !restarted) {
        restarted = true;
        await cluster.stopController();
        await delay(2000);
        await cluster.startController();
      }
      if (killed.size === 5 && !followerKilled) {
        followerKilled = true;
        follower.child.kill('SIGKILL');
        await follower.ended;
        follower = start(['launch', 'attach', name], 'sent');
      }
      await delay(300);
    }
    const code = await follower.ended;
    expect(code, follower.said()).toBe(0);
    expect(doneCount()).toBe(tasks.length);
    const records = [...recordsOf(launchFolder, ids)];
    expect(
      records.filter(([task, { attempts }]) => killed.has(task) && attempts.length > 1).length,
    ).toBeGreaterThanOrEqual(KILLS - 1);
    const attempts = records.reduce((sum, [, one]) => sum + one.attempts.length, 0);
    process.stdout.write(`${tasks.length} tasks, ${attempts} attempts\n`);

    const here = start(['study', study], 'local');
    expect(await here.ended, here.said()).toBe(0);
    const expected = contentOf(home('local'));
    expect(contentOf(home('sent'))).toEqual(expected);

    // Three times, in random order, into a database that knows nothing of it.
    const launch = openLaunch(launchFolder);
    const store = openStore(home('again'));
    const place = { folder: launchFolder, launcher: 'slurm' as const, ssh: null, command: 'ptw' };
    for (let time = 0; time < 3; time++) {
      const imported = takeIn(
        store,
        { launch: launch.file, place, folder: launchFolder },
        shuffled(launch.done(), random),
      );
      expect(imported.refused).toEqual([]);
      expect(imported.added.length).toBe(time === 0 ? tasks.length : 0);
    }
    expect(importShards(store, launchFolder, shuffled(launch.done(), random)).added).toEqual([]);
    const [shard] = store.shards.ofStage(store.stages.ofRun(1).at(-1)!.id);
    expect(provenanceSchema.parse(shard.provenance)).toMatchObject({
      backend: 'tensorflow',
      job: expect.stringMatching(/^\d+_\d+$/) as string,
      lockfile: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    store.close();
    expect(contentOf(home('again'))).toEqual(expected);
    if (process.env['PTW_KEEP'] !== undefined) cpSync(folder, process.env['PTW_KEEP'], { recursive: true });
  });
});
