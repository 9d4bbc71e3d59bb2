import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { BATCH, batchOf } from '../batch.ts';
import { conditionsOf } from '../conditions.ts';
import { publish } from '../document.ts';
import { PRESET, trainExperiment } from '../experiment.ts';
import { alternate, type Measured } from '../measure.ts';
import type { Options } from '../options.ts';
import { markdownTable, spread, threeFigures } from '../table.ts';
import { withHost } from '../works/certification.ts';
import {
  attackStep,
  contestantOf,
  inBfloat16,
  inferenceStep,
  opByOp,
  processorClock,
  requireGraph,
  trainingStep,
  type BatchInputs,
  type Step,
} from '../works/steps.ts';

/** A step twice: as a graph, and op by op unless it cannot be. */
interface Pair {
  readonly name: string;
  readonly compiled: () => Step<unknown>;
  readonly eager: (() => Step<unknown>) | null;
}

/** Compiled steps against the same steps run op by op. */
export async function compileBench(options: Options): Promise<void> {
  const backend = await openBackend('tensorflow');
  const batch = await withHost(async ({ engines }) => batchOf(await trainExperiment(engines, PRESET), BATCH));
  const rows: string[][] = [];
  for (const pair of pairsOf(batch)) {
    console.log(`${pair.name} …`);
    rows.push(await measuredPair(pair, options));
  }
  const header = [
    'step',
    'op by op, ms',
    'compiled, ms',
    'ratio',
    'processor time, ms',
    'compiled',
    'ratio',
    'first call, ms',
  ];
  publish('compile', [conditionsOf(backend), markdownTable(header, rows)].join('\n\n'), options);
}

const pairsOf = (batch: BatchInputs): Pair[] => [
  {
    name: 'inference, frozen weights',
    compiled: () => inferenceStep(batch),
    eager: () => inferenceStep(batch, opByOp),
  },
  { name: 'inference, bfloat16', compiled: () => inferenceStep(batch, inBfloat16), eager: null },
  { name: 'PGD step', compiled: () => attackStep(batch), eager: () => attackStep(batch, opByOp) },
  ...(['normal', 'noise'] as const).map((procedure) => ({
    name: `training step, ${procedure}`,
    compiled: () => trainingStep(batch, { procedure }),
    eager: () => trainingStep(batch, { procedure, make: opByOp }),
  })),
];

async function measuredPair({ name, compiled, eager }: Pair, { repetitions }: Options): Promise<string[]> {
  const graph = compiled();
  const started = performance.now();
  await graph.once();
  const first = performance.now() - started;
  const plain = eager?.() ?? null;
  // The graph first, then op by op: each on the wall and by the processors' time.
  const contestants = [graph, ...(plain === null ? [] : [plain])].flatMap((step) => [
    contestantOf({ name, calls: 2 }, step),
    contestantOf({ name, calls: 2, clock: processorClock }, step),
  ]);
  try {
    const [wall, processor, wallOfPlain, processorOfPlain] = await alternate(contestants, repetitions);
    requireGraph(name, graph);
    return [name, ...compared(wallOfPlain, wall), ...compared(processorOfPlain, processor), threeFigures(first)];
  } finally {
    graph.dispose();
    plain?.dispose();
  }
}

function compared(plain: Measured | undefined, graph: Measured): string[] {
  if (plain === undefined) return ['–', spread(graph.time), '–'];
  return [spread(plain.time), spread(graph.time), `${(plain.time.median / graph.time.median).toFixed(2)} ×`];
}
