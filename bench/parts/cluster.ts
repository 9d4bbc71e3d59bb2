import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchSettingsSchema } from '../../src/shared/launch.ts';
import type { Domain, ExperimentConfig } from '../../src/shared/config.ts';
import { CATALOGUE, countsOf } from '../../src/main/data/catalogue.ts';
import { datasetFacts } from '../../src/main/data/datasetFacts.ts';
import { forwardFlops } from '../../src/main/engine/models/wideResNetWork.ts';
import { WIDE_RES_NETS } from '../../src/main/engine/models/wideResNetShape.ts';
import { knownIn, planLaunch, writeLaunch } from '../../src/main/workbench/launch/createLaunch.ts';
import { planTasks, type Task } from '../../src/main/workbench/launch/planTasks.ts';
import { planStages, type StagePlan } from '../../src/main/workbench/stageKeys.ts';
import { expandStudy, type GridCell } from '../../src/main/workbench/studies/expandStudy.ts';
import { loadStudy, parseStudy } from '../../src/main/workbench/studies/loadStudy.ts';
import { runStudy } from '../../src/main/workbench/studies/runStudy.ts';
import { MEASURED, measuredSeconds } from '../../src/main/workbench/studies/work.ts';
import { openStore } from '../../src/main/store/store.ts';
import { quietStudyHost } from '../../test/workbench/studies/tinyStudy.ts';
import { publish } from '../document.ts';
import { simulate, type TimedTask } from '../gridSimulation.ts';
import type { Options } from '../options.ts';
import { ROOFS, UTILISATION } from '../roofline.ts';
import { markdownTable, threeFigures } from '../table.ts';

/** What splitting costs, measured here, and what the paper's whole grid would take on many GPUs, simulated. */
export async function cluster(options: Options): Promise<void> {
  const { overhead, text } = await measuredOverhead();
  publish('shards', text, options);
  // Of processors, as a task has one to itself: seconds of a machine that others use would not be the task's.
  publish('grid', simulation(overhead.processor), options);
}

const SHARDS = [1, 4, 16] as const;

interface Times {
  readonly wall: number;
  /** Of the task's process and of its engine. */
  readonly processor: number;
}

/** One certification of 32 instances in 1, 4 and 16 tasks, one after the other: all that is not the same is overhead. */
async function measuredOverhead(): Promise<{ overhead: Times; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'ptw-bench-cluster-'));
  try {
    const loaded = parseStudy(SMALL, 'the small study');
    const home = join(folder, 'home');
    await runStudy(home, loaded, quietStudyHost());
    const store = openStore(home, { readonly: true });
    const all = knownIn(store);
    const isOpen = (key: string): boolean => {
      const stage = store.stages.findByKey(key);
      return stage?.kind === 'certification' && stage.domain === 'target';
    };
    const known = { ...all, has: (key: string) => !isOpen(key) && all.has(key) };
    const rows: Row[] = [];
    for (const shards of SHARDS) {
      const settings = launchSettingsSchema.parse({ shards });
      const launch = planLaunch({ launcher: 'local', loaded, settings, known });
      const at = writeLaunch(launch, { known, parent: join(folder, String(shards)), settings });
      let times: Times = { wall: 0, processor: 0 };
      for (const { id } of launch.tasks) {
        const own = await timed([...launch.program, 'launch', 'task', at, id]);
        times = { wall: times.wall + own.wall, processor: times.processor + own.processor };
      }
      rows.push({ shards, times });
      console.log(`${shards} shards: ${times.wall.toFixed(1)} s, ${times.processor.toFixed(1)} s of processors`);
    }
    store.close();
    return { overhead: perShard(rows), text: overheadText(rows) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SMALL = {
  name: 'overhead of shards',
  scale: 'a measurement',
  base: {
    source: { trainingInstances: 200 },
    target: { trainingInstances: 200 },
    extractor: { preset: 'wrn-10-2' },
    training: { source: { maxEpochs: 1 }, heads: { maxEpochs: 1 } },
    instances: 32,
    noiseAttack: { enabled: false },
    pgd: { enabled: false },
    certification: { draws: 500 },
  },
  transfers: [{ source: { dataset: 'fashion-mnist' }, target: { dataset: 'mnist' } }],
  procedures: ['normal'],
  heads: [{ layers: 1, constraint: 'wn' }],
  seeds: [1],
};

/** A command's time, its children's with it, as bash counts it. */
async function timed(command: readonly string[]): Promise<Times> {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null';
  const child = spawn('bash', ['-c', script, 'timed', ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const [wall, user, system] = said.trim().split('\n').at(-1)!.split(' ').map(Number);
  if (code !== 0 || Number.isNaN(system)) throw new Error(`a task ended with ${String(code)}: ${said}`);
  return { wall, processor: user + system };
}

interface Row {
  readonly shards: number;
  readonly times: Times;
}

function perShard(rows: readonly Row[]): Times {
  const [first] = rows;
  const last = rows.at(-1)!;
  const more = last.shards - first.shards;
  return {
    wall: (last.times.wall - first.times.wall) / more,
    processor: (last.times.processor - first.times.processor) / more,
  };
}

function overheadText(rows: readonly Row[]): string {
  const [whole] = rows;
  const each = perShard(rows);
  const table = markdownTable(
    ['tasks', 'seconds', 'seconds of processors', 'of one task'],
    rows.map(({ shards, times }) => [
      String(shards),
      threeFigures(times.wall),
      threeFigures(times.processor),
      `${threeFigures(times.processor / whole.times.processor)} ×`,
    ]),
  );
  return [
    `${cpus()[0].model.trim()}, load average ${loadavg()[0].toFixed(1)} (seconds of processors say more than seconds where others use the ` +
      `machine); 32 instances × 600 draws, wrn-10-2, one after the other.`,
    table,
    `A task more costs ${threeFigures(each.wall)} s, ${threeFigures(each.processor)} s of processors: a process, an engine, reading the ` +
      'images, the weights, recording graphs, and the shard.',
  ].join('\n\n');
}

/** The paper's grid: the transfers of its table 1, the procedures of its table 3, an extractor under each head. */
function paperGrid(): GridCell[] {
  const transfers = loadStudy('paper-table-1').document as { transfers: unknown };
  const smoothing = loadStudy('paper-table-3').document as { base: Record<string, unknown> };
  // What a study does by default is done: attacks too.
  const { noiseAttack: _noise, pgd: _pgd, ...base } = smoothing.base;
  const document = { ...smoothing, name: "the paper's grid", base, transfers: transfers.transfers };
  return expandStudy(parseStudy(document, "the paper's grid").study);
}

const GPUS = [8, 64, 256] as const;
const GRID_SHARDS = 16;
const EPOCH_SHARE = 0.3;

function simulation(overheadSeconds: number): string {
  const roof = ROOFS.find(({ gpu, arithmetic }) => gpu === 'A100 SXM' && arithmetic === 'TF32')!;
  const perFlop = 1 / (roof.teraflops * 1e12 * UTILISATION);
  const small = forwardFlops(WIDE_RES_NETS['wrn-10-2'], { height: 28, width: 28, channels: 1 });
  // The constants of work.ts are of one machine; its ratios are kept, its clock is exchanged.
  const clock = perFlop / (MEASURED.inference / 1e3 / (MEASURED.batch * small));
  const cells = paperGrid();
  const stages = new Map(cells.map(({ position, config }) => [position, planStages(config, keysOf(config))]));
  const toPlan = cells.map((cell) => ({ ...cell, stages: stages.get(cell.position)! }));
  const tasks = planTasks(toPlan, { shards: GRID_SHARDS, isKnown: () => false });
  const timedTasks = tasks.map((task): TimedTask => {
    const { config } = cells[task.cell];
    const plans = stages.get(task.cell)!.filter(({ key }) => task.stages.includes(key));
    const seconds = plans.reduce((sum, plan) => sum + secondsOf(plan, config), 0) / task.part.of;
    return { id: task.id, kind: task.kind, seconds: overheadSeconds + seconds * clock, needs: task.needs };
  });
  return simulationText(tasks, timedTasks, cells);
}

/** Data keys as good as any: no files are read. */
function keysOf({ source, target }: ExperimentConfig): { source: string; target: string } {
  return { source: JSON.stringify(source), target: JSON.stringify({ target, source }) };
}

function secondsOf(plan: StagePlan, config: ExperimentConfig): number {
  const { kind, domain, inputs } = plan;
  if (kind === 'head' && inputs['own'] === true) return 0;
  const training = kind === 'extractor' ? config.training.source : kind === 'head' ? config.training.heads : null;
  const of: Domain = domain ?? 'source';
  const { dataset } = config[of];
  return measuredSeconds({
    kind,
    domain,
    config,
    shape: datasetFacts(config.source.dataset).shape,
    heads: 1,
    images: countsOf(CATALOGUE[dataset as keyof typeof CATALOGUE], 'full').train,
    epochs: training === null ? null : Math.ceil(training.maxEpochs * EPOCH_SHARE),
  });
}

function simulationText(tasks: readonly Task[], timedTasks: readonly TimedTask[], cells: readonly GridCell[]): string {
  const days = (seconds: number): string => threeFigures(seconds / 86_400);
  const total = timedTasks.reduce((sum, { seconds }) => sum + seconds, 0);
  const kinds = [...Map.groupBy(timedTasks, ({ kind }) => kind)].map(([kind, of]) => {
    const seconds = of.reduce((sum, one) => sum + one.seconds, 0);
    const longest = Math.max(...of.map((one) => one.seconds));
    return [
      kind,
      String(of.length),
      days(seconds),
      `${(100 * (seconds / total)).toFixed(1)} %`,
      threeFigures(longest / 3600),
    ];
  });
  const results = GPUS.map((gpus) => ({ gpus, ...simulate(timedTasks, gpus) }));
  const [{ chain, longestChain }] = results;
  const cellOf = (id: string): string => cells[tasks.find((task) => task.id === id)!.cell].name;
  const rows = results.map(({ gpus, makespan, idle }) => [
    String(gpus),
    days(makespan),
    days(total / gpus),
    `${(100 * idle).toFixed(1)} %`,
    makespan < 1.1 * longestChain ? 'longest chain' : makespan < 1.1 * (total / gpus) ? 'number of GPUs' : 'both',
  ]);
  return [
    '**A simulation, not a measurement.** ' +
      `${cells.length} extractors, ${tasks.length} tasks, ${GRID_SHARDS} shards an attack or certification. Costs of stages relative to each other are those measured for forecasts ` +
      '(`src/main/workbench/studies/work.ts`), in proportion to operations; the clock is that of an A100 in TF32 at ' +
      `${100 * UTILISATION} % of its peak, which is an assumption, and trainings are taken to stop early after ${100 * EPOCH_SHARE} % of their 100 epochs, which is ` +
      'another. Starting a task costs the seconds of processors measured above, without what CUDA takes to begin. Jobs have one priority, GPUs are the same, nothing fails.',
    markdownTable(['tasks', 'number', 'GPU days', 'share', 'longest, hours'], kinds),
    markdownTable(['GPUs', 'makespan, days', 'work / GPUs, days', 'idle', 'what it is bound by'], rows),
    `The longest chain takes ${days(longestChain)} days, of which ${(100 * (timedTasks.find(({ id }) => id === chain[0])!.seconds / longestChain)).toFixed(0)} % are its extractor: ${cellOf(chain[0])}.`,
  ].join('\n\n');
}
