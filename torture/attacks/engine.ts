import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { WorkbenchEvent } from '../../src/shared/api/events.ts';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import { openStore } from '../../src/main/store/store.ts';
import type { Attack, Tally } from '../attack.ts';
import { fabricateFolder } from '../../test/data/imageFolder/fabricate.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import { enginesOfThisProcess } from '../engines.ts';
import { openedWorkbench, type OpenedWorkbench } from '../openedWorkbench.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

/** Long enough for fifty engines to die in it. */
const LONGER: Partial<ExperimentConfigInput> = {
  instances: 8,
  certification: { draws: 200, selectionDraws: 10, alpha: 0.05 },
};
const MOST_SECONDS = 5;
/** Of one run: more of them would go on for ever. */
const MOST_RESUMPTIONS = 20;

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
  let again = 0;
  await workbench.ask('queue.add', { config });
  const meddling = meddle(workbench, () => isOver);
  for (;;) {
    await workbench.idle();
    const store = openStore(folder, { readonly: true });
    const run = store.runs.list().at(0);
    store.close();
    if (run?.status === 'done') break;
    if (++again > MOST_RESUMPTIONS) throw new Error(`the run does not end: ${run?.failure ?? 'it does not begin'}`);
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
  const restarts: Restart[] = [];
  const answers: number[] = [];
  while (left > 0) {
    const folder = emptyFolder();
    const workbench = await worked(folder, {
      config,
      meddle: async (bench, isOver) => {
        // An engine that dies before it serves is started again without a word.
        await begun(bench, isOver);
        while (left > 0 && !isOver()) {
          await sleep(random.below(1500));
          const pid = enginesOfThisProcess().at(0);
          if (pid === undefined || isOver()) continue;
          process.kill(pid, 'SIGKILL');
          left--;
          tally.add('engines killed');
          const restart = await untilAnother(pid, bench, { isOver, answers });
          if (restart !== null) restarts.push(restart);
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
  if (restarts.length === 0) throw new Error('no engine was seen to be started again; kill more of them');
  for (const what of ['started', 'serving'] as const) {
    const seconds = restarts.map((restart) => restart[what]).sort((a, b) => a - b);
    tally.set(`another engine ${what} after, seconds: median`, rounded(seconds[Math.floor(seconds.length / 2)]));
    tally.set(`another engine ${what} after, seconds: most`, rounded(seconds.at(-1)!));
  }
  tally.set('slowest answer of the workbench meanwhile, milliseconds', Math.round(Math.max(...answers)));
  const most = Math.max(...restarts.map(({ started }) => started));
  tally.hold(`another engine started within ${MOST_SECONDS} s, each time`, most <= MOST_SECONDS, () => `${most} s`);
}

const rounded = (seconds: number): number => Math.round(100 * seconds) / 100;

interface Restart {
  readonly started: number;
  readonly serving: number;
}

interface Watching {
  readonly isOver: () => boolean;
  readonly answers: number[];
}

/** Until another engine's process is there, and until it serves, seconds; null where the run was over, or had failed, before. */
async function untilAnother(
  dead: number,
  workbench: OpenedWorkbench,
  { isOver, answers }: Watching,
): Promise<Restart | null> {
  const killed = performance.now();
  const before = workbench.events.length;
  let started: number | null = null;
  while (!isOver()) {
    const asked = performance.now();
    const { current } = await workbench.ask('queue.state', {});
    answers.push(performance.now() - asked);
    const elapsed = (performance.now() - killed) / 1000;
    if (started === null && enginesOfThisProcess().some((pid) => pid !== dead)) started = elapsed;
    if (workbench.events.slice(before).some(saysStartedAgain)) return { started: started ?? elapsed, serving: elapsed };
    if (current === null) return null;
    await sleep(20);
  }
  return null;
}

const saysStartedAgain = (event: WorkbenchEvent): boolean =>
  event.kind === 'log' && event.text.includes('it was started again');

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
        const pid = enginesOfThisProcess().at(0);
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

/** Too little memory for a pass; and an engine that the system kills for want of memory. */
async function withoutMemory(inputs: Inputs): Promise<void> {
  await littleMemory(inputs.tally);
  await killedForMemory(inputs);
}

/** WebAssembly that may not grow. The images are larger: a pass of a hundred of those of the other attacks fits any memory. */
async function littleMemory(tally: Tally): Promise<void> {
  const images = fabricateFolder({ classes: ['a', 'b'], train: 12, test: 4, height: 32, width: 32, channels: 1 });
  // In small steps: what a gradient needs is never split.
  const training = { procedure: 'normal', maxEpochs: 1, batchSize: 2 } as const;
  const config = tinyConfig(images, { instances: 2, training: { source: training, heads: training } });
  const [reference, folder] = [emptyFolder(), emptyFolder()];
  await worked(reference, { config, meddle: () => Promise.resolve() });
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] =
    `${before ?? ''} --import=${new URL('../processes/littleMemory.ts', import.meta.url).href}`;
  try {
    const workbench = await worked(folder, { config, meddle: () => Promise.resolve() });
    const halvings = workbench.events.filter(
      (event) => event.kind === 'log' && event.text.includes('memory ran out in a pass of'),
    );
    tally.hold('memory too small for a pass: halved, saying so', halvings.length > 0, () => 'no notice');
    const isSame = isDeepStrictEqual(findingsOf(folder, 1), findingsOf(reference, 1));
    tally.hold('run done in too little memory, all results equal', isSame, () => folder);
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
  for (const one of [reference, folder]) rmSync(one, { recursive: true });
}

async function killedForMemory({ config, findings, tally }: Inputs): Promise<void> {
  const folder = emptyFolder();
  const workbench = await worked(folder, {
    config,
    meddle: async (bench, isOver) => {
      await begun(bench, isOver);
      const pid = enginesOfThisProcess().at(0);
      // What the system's out-of-memory killer sends.
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    },
  });
  const halved = workbench.events.some(
    (event) => event.kind === 'log' && event.text.includes('with passes half the size'),
  );
  tally.hold('engine killed as for want of memory: passes halved', halved);
  const isSame = isDeepStrictEqual(findingsOf(folder, 1), findings);
  tally.hold('run done with halved passes, all results equal', isSame, () => folder);
  rmSync(folder, { recursive: true });
}
