import { rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '../../src/main/store/store.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, SILENT } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { start, type Child } from '../child.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

export const hosts: Attack = {
  name: 'hosts',
  title: 'several hosts on one database',
  count: 20,
  async run({ seed, count, say }, tally) {
    const random = new Random(seed, 'hosts');
    const images = fabricateImages();
    const reference = emptyFolder();
    await startRun(reference, tinyConfig(images), quietHost());
    const findings = findingsOf(reference, 1);
    for (let i = 0; i < count; i++) {
      await workbenches(random, tally);
      await resumedByAll({ images, findings, random, tally });
      say(`${i + 1} of ${count}`);
    }
    rmSync(reference, { recursive: true });
  },
};

/** Some open the same folder at once: one has it. When that one is killed, the next one has it. */
async function workbenches(random: Random, tally: Tally): Promise<void> {
  const folder = emptyFolder();
  const children = Array.from({ length: 2 + random.below(2) }, () => start('openWorkbench.ts', [folder]));
  const said = await Promise.all(children.map((child) => child.line()));
  const opened = said.filter((line) => line === 'open').length;
  tally.hold('workbenches at once: one opens', opened === 1, () => said.join(' | '));
  const holder = children[said.indexOf('open')] as Child | undefined;
  for (const line of said) {
    if (line === 'open') continue;
    const names = line?.includes(`process ${holder?.process.pid} (`) === true && line.includes('has it open');
    tally.hold('workbenches at once: the others are told who has it', names, () => String(line));
  }
  holder?.process.kill('SIGKILL');
  await Promise.all(children.map((child) => child.over));
  const next = start('openWorkbench.ts', [folder]);
  const line = await next.line();
  tally.hold('workbench after one that was killed: opens', line === 'open', () => String(line));
  next.process.stdin!.end();
  await next.over;
  rmSync(folder, { recursive: true });
}

interface Inputs {
  readonly images: string;
  readonly findings: Findings;
  readonly random: Random;
  readonly tally: Tally;
}

/** An interrupted run is resumed by several processes at once: one works on it. */
async function resumedByAll({ images, findings, random, tally }: Inputs): Promise<void> {
  const folder = emptyFolder();
  const abort = new AbortController();
  let steps = 1 + random.below(40);
  const step = (): void => {
    if (--steps === 0) abort.abort();
  };
  const reporter = { ...SILENT, progress: step, began: step };
  await startRun(folder, tinyConfig(images), quietHost({ reporter, signal: abort.signal })).catch(() => undefined);
  const children = [0, 1, 2].map(() => start('runHost.ts', [folder, images]));
  const ends = await Promise.all(children.map(lastLine));
  const worked = ends.filter((line) => line === 'done').length;
  const refused = ends.filter((line) => /^error resume run 1: process \d+ is working on it/.test(line)).length;
  tally.hold(
    'run resumed by three at once: done by one, or one after another',
    worked >= 1 && worked + refused === 3,
    () => ends.join(' | '),
  );
  tally.add('run resumed by three at once: refused to the others', refused);
  tally.hold(
    'run resumed by three at once: all results equal an undisturbed run',
    isDeepStrictEqual(findingsOf(folder, 1), findings),
  );
  const store = openStore(folder);
  tally.hold(
    'run resumed by three at once: one run, done',
    store.runs.list().length === 1 && store.runs.get(1).status === 'done',
  );
  store.close();
  rmSync(folder, { recursive: true });
}

async function lastLine(child: Child): Promise<string> {
  let last = '';
  for (let line = await child.line(); line !== null; line = await child.line()) last = line;
  await child.over;
  return last;
}
