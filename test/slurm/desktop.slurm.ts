import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchStatusSchema } from '../../src/shared/launch.ts';
import { PTW } from '../hosts/ptw.ts';
import { contentOf } from '../workbench/launch/contentOf.ts';
import { startCluster, whyNoSlurm, type Cluster } from './cluster.ts';
import { LAUNCH_STUDY } from './launchStudy.ts';
import { startPtw, type Started } from './processes.ts';

const why = whyNoSlurm();
const MAX_ARRAY_SIZE = 2;
const MAX_SUBMIT = 5;

/** A run with as little to compute as has all kinds of tasks. */
const STUDY = {
  ...LAUNCH_STUDY,
  base: { ...LAUNCH_STUDY.base, instances: 6, pgd: { enabled: false }, noiseAttack: { enabled: false } },
  procedures: ['normal'],
  heads: LAUNCH_STUDY.heads.slice(0, 1),
  seeds: [5],
};

describe.skipIf(why !== null)('a study sent from a desktop over ssh', () => {
  let cluster: Cluster;
  let folder: string;
  const home = (name: string): string => join(folder, name);

  beforeAll(async () => {
    cluster = await startCluster({ maxArraySize: MAX_ARRAY_SIZE });
    folder = mkdtempSync(join(tmpdir(), 'ptw-desktop-'));
    writeFileSync(join(folder, 'study.json'), JSON.stringify(STUDY));
    // An ssh whose other end is this machine, with a home and a Slurm that the desktop does not see.
    mkdirSync(join(folder, 'bin'));
    const { PATH: path, SLURM_CONF: conf } = cluster.environment;
    const there = `PATH='${path!}' SLURM_CONF='${conf!}' PTW_HOME='${home('cluster')}'`;
    writeFileSync(
      join(folder, 'bin/ssh'),
      `#!/bin/bash\n[ "$1" = -T ] && [ "$2" = me@login ] || { echo "no route to host $2" >&2; exit 255; }\n${there} exec bash -c "$3"\n`,
    );
    chmodSync(join(folder, 'bin/ssh'), 0o755);
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const ptw = (args: readonly string[], of = 'desktop'): Started =>
    startPtw(args, {
      ...process.env,
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      PTW_HOME: home(of),
      PTW_THREADS: '1',
      PTW_ENGINES: '1',
      PTW_LOOK_MILLISECONDS: '1000',
    });
  async function statusOf(args: readonly string[]) {
    const { ended, said } = ptw(['--json', ...args]);
    expect(await ended, said()).toBe(0);
    return launchStatusSchema.parse(JSON.parse(said().slice(said().indexOf('{\n'))));
  }
  const send = (host: string): string[] => [
    ...['study', join(folder, 'study.json'), '--on', 'slurm', '--detach', '--yes'],
    ...[
      `ssh=${host}`,
      `command=${process.execPath} ${PTW}`,
      'shards=3',
      'poll_s=1',
      `max_submit=${MAX_SUBMIT}`,
    ].flatMap((set) => ['--launch-set', set]),
  ];

  it('is planned, sent in arrays that fit, cancelled, resumed, and comes back as if it had been computed here', async () => {
    const nowhere = ptw(send('me@nowhere'));
    expect(await nowhere.ended).toBe(1);
    expect(nowhere.said()).toMatch(/ssh me@nowhere: no route to host me@nowhere/);

    const sent = await statusOf(send('me@login'));
    expect(sent.tasks.length).toBe(14);
    expect(sent.counts.waiting + sent.counts.running).toBeLessThanOrEqual(MAX_SUBMIT);
    expect(sent.notices.join('\n')).toMatch(/tasks are not sent yet: there is room for \d more \(max_submit is 5\)/);

    let cancelled = await statusOf(['launch', 'cancel', '1']);
    // What runs is given time to save what it has.
    while (cancelled.counts.running > 0) cancelled = await statusOf(['launch', 'status', '1']);
    expect(cancelled.counts.cancelled + cancelled.counts.done).toBe(14);
    expect((await statusOf(['launch', 'advance', '1'])).counts.cancelled).toBe(cancelled.counts.cancelled);
    expect((await statusOf(['launch', 'resume-unfinished', '1'])).counts.cancelled).toBe(0);

    const follower = ptw(['launch', 'attach', '1']);
    expect(await follower.ended, follower.said()).toBe(0);
    const scripts = readdirSync(join(sent.folder, 'scripts')).map((name) =>
      readFileSync(join(sent.folder, 'scripts', name), 'utf8'),
    );
    for (const script of scripts) expect(script).toMatch(/#SBATCH --array=0-[01]\n/);
    const log = ptw(['launch', 'log', '1', '0000-extractor', '--lines', '1']);
    expect(await log.ended).toBe(0);
    expect(log.said()).toMatch(/task 0000-extractor: done/);

    const here = ptw(['study', join(folder, 'study.json')], 'local');
    expect(await here.ended, here.said()).toBe(0);
    expect(contentOf(home('desktop'))).toEqual(contentOf(home('local')));
  });

  it('whose lines of setup fail is given up after three tries, and says where to look', async () => {
    const study = join(folder, 'other.json');
    writeFileSync(study, JSON.stringify({ ...STUDY, name: 'another', seeds: [6] }));
    const args = send('me@login').map((arg) => (arg.endsWith('study.json') ? study : arg));
    await statusOf([...args, '--launch-set', 'setup=["echo no such module; exit 3"]']);
    const follower = ptw(['launch', 'attach', '2']);
    expect(await follower.ended, follower.said()).toBe(1);
    expect(follower.said()).toMatch(/0000-extractor .*failed.*it ended before it began to compute/);
    const log = ptw(['launch', 'log', '2', '0000-extractor', '--lines', '1']);
    await log.ended;
    expect(log.said()).toMatch(/no such module/);
  });
});
