import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import { openStore } from '../../src/main/store/store.ts';
import type { Attack, Tally } from '../attack.ts';
import { enginesOfThisProcess } from '../engines.ts';
import { openedWorkbench, type OpenedWorkbench } from '../openedWorkbench.ts';
import { Random } from '../random.ts';
import { emptyFolder, fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

/** Long enough for fifty engines to die in it. */
const LONGER: Partial<ExperimentConfigInput> = {
  instances: 8,
  certification: { draws: 200, selectionDraws: 10, alpha: 0.05 },
};
const MOST_SECONDS = 5;

export const engine: Attack = {
  name: 'engine',
  title: 'engines that crash again and again, hang, and run out of memory, under an open workbench',
  count: 50,
  async run({ seed, count, say }, tally) {
    const random = new Random(seed, 'engine');
    const config = tinyConfig(fabricateImages(), LONGER);
    const folder = emptyFolder();
    await worked(folder, { config, meddle: () => Promise.resolve() });
    const inputs: Inputs = { config, findings: findingsOf(folder, 1), random, tally, say };
    await crashing(count, inputs);
    await hanging(Math.ceil(count / 10), inputs);
    await withoutMemory(inputs);
    rmSync(folder, { recursive: true });
  },
};

interface Inputs {
  readonly config: ReturnType<typeof tinyConfig>;
  readonly findings: Findings;
  readonly random: Random;
  readonly tally: Tally;
  readonly say: (text: string) => void;
}

interface Meddling {
  readonly config: Inputs['config'];
  readonly meddle: (workbench: OpenedWorkbench, isOver: () => boolean) => Promise<void>;
}

/** Works one run off in a workbench, resuming it whenever it failed. */
async function worked(folder: string, { config, meddle }: Meddling): Promise<OpenedWorkbench> {
  const workbench = openedWorkbench(folder);
  let isOver = false;
  await workbench.ask('queue.add', { config });
  const meddling = meddle(workbench, () => isOver);
  for (;;) {
    await workbench.idle();
    const store = openStore(folder, { readonly: true });
    const run = store.runs.list().at(0);
    store.close();
    if (run?.status === 'done') break;
    // Engines may have died before there was a run.
    if (run === undefined) await workbench.ask('queue.add', { config });
    else await workbench.ask('queue.resume', { run: run.id });
  }
  isOver = true;
  await meddling;
  await workbench.close();
  return workbench;
}

/** Kills the engine as often as asked, over as many runs as that takes, and looks how long another one takes to be there. */
async function crashing(count: number, { config, findings, random, tally, say }: Inputs): Promise<void> {
  let left = count;
  const restarts: number[] = [];
  const answers: number[] = [];
  while (left > 0) {
    const folder = emptyFolder();
    const workbench = await worked(folder, {
      config,
      meddle: async (bench, isOver) => {
        while (left > 0 && !isOver()) {
          await sleep(random.below(1500));
          const [pid] = enginesOfThisProcess();
          if (pid === undefined || isOver()) continue;
          process.kill(pid, 'SIGKILL');
          left--;
          tally.add('engines killed');
          restarts.push(await secondsUntilAnother(pid, bench, { isOver, answers }));
        }
      },
    });
    tally.add('runs they died in');
    tally.add(
      'runs that failed after three in a row and were resumed',
      workbench.events.filter(({ kind }) => kind === 'engine-crashed').length,
    );
    tally.hold(
      'runs done, all results equal an undisturbed run',
      isDeepStrictEqual(findingsOf(folder, 1), findings),
      () => folder,
    );
    rmSync(folder, { recursive: true });
    say(`${count - left} of ${count} engines killed`);
  }
  const seconds = restarts.filter((time) => Number.isFinite(time)).sort((a, b) => a - b);
  tally.set('another engine there after, seconds: median', Number(seconds[Math.floor(seconds.length / 2)].toFixed(2)));
  tally.set('another engine there after, seconds: most', Number(seconds.at(-1)!.toFixed(2)));
  tally.set('slowest answer of the workbench meanwhile, milliseconds', Math.round(Math.max(...answers)));
  tally.hold(
    `another engine within ${MOST_SECONDS} s, each time`,
    seconds.at(-1)! <= MOST_SECONDS,
    () => `${seconds.at(-1)} s`,
  );
}

interface Watching {
  readonly isOver: () => boolean;
  readonly answers: number[];
}

/** NaN where the run was over, or had failed, before another engine was started. */
async function secondsUntilAnother(
  dead: number,
  workbench: OpenedWorkbench,
  { isOver, answers }: Watching,
): Promise<number> {
  const killed = performance.now();
  while (!isOver()) {
    const asked = performance.now();
    const { current } = await workbench.ask('queue.state', {});
    answers.push(performance.now() - asked);
    if (enginesOfThisProcess().some((pid) => pid !== dead)) return (performance.now() - killed) / 1000;
    if (current === null) return NaN;
    await sleep(20);
  }
  return NaN;
}

/** Stops the engine's process, as a call that never returns would, with a limit of three seconds. */
async function hanging(count: number, { config, findings, random, tally }: Inputs): Promise<void> {
  process.env['PTW_ENGINE_SILENCE'] = '3';
  for (let i = 0; i < count; i++) {
    const folder = emptyFolder();
    let hung = 0;
    const workbench = await worked(folder, {
      config,
      meddle: async (bench, isOver) => {
        await begun(bench, isOver);
        await sleep(random.below(1500));
        const [pid] = enginesOfThisProcess();
        if (pid === undefined || isOver()) return;
        process.kill(pid, 'SIGSTOP');
        hung++;
        tally.add('engines stopped (SIGSTOP), limit 3 s');
      },
    });
    const notices = workbench.events.filter(
      (event) => event.kind === 'log' && event.text.includes('gave no sign of life for 3 s'),
    );
    tally.hold(
      'engines found hung, ended and started again',
      notices.length >= hung,
      () => `${notices.length} of ${hung}`,
    );
    tally.hold(
      'runs done after a hang, all results equal',
      isDeepStrictEqual(findingsOf(folder, 1), findings),
      () => folder,
    );
    rmSync(folder, { recursive: true });
  }
  delete process.env['PTW_ENGINE_SILENCE'];
}

async function begun(workbench: OpenedWorkbench, isOver: () => boolean): Promise<void> {
  while (!isOver() && !workbench.events.some(({ kind }) => kind === 'stage-began')) await sleep(20);
}

/** WebAssembly that may not grow: too little memory for a whole pass. And an engine that the system kills for want of memory. */
async function withoutMemory({ config, findings, tally }: Inputs): Promise<void> {
  const folder = emptyFolder();
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] =
    `${before ?? ''} --import=${new URL('../processes/littleMemory.ts', import.meta.url).href}`;
  try {
    const workbench = await worked(folder, { config, meddle: () => Promise.resolve() });
    const halvings = workbench.events.filter(
      (event) => event.kind === 'log' && event.text.includes('memory ran out in a pass of'),
    );
    tally.add('passes halved after an allocation that failed', halvings.length);
    tally.hold('memory too small for a pass: halved', halvings.length > 0, () => 'no notice');
    tally.hold(
      'run done in too little memory, all results equal',
      isDeepStrictEqual(findingsOf(folder, 1), findings),
      () => folder,
    );
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
  const killed = emptyFolder();
  const workbench = await worked(killed, {
    config,
    meddle: async (bench, isOver) => {
      await begun(bench, isOver);
      const [pid] = enginesOfThisProcess();
      // What the system's out-of-memory killer sends.
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    },
  });
  const halved = workbench.events.some(
    (event) => event.kind === 'log' && event.text.includes('with passes half the size'),
  );
  tally.hold('engine killed as for want of memory: passes halved', halved);
  tally.hold(
    'run done with halved passes, all results equal',
    isDeepStrictEqual(findingsOf(killed, 1), findings),
    () => killed,
  );
  for (const one of [folder, killed]) rmSync(one, { recursive: true });
}
