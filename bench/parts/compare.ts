import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Precision } from '../../src/shared/config.ts';
import { openBackend, type OpenBackend } from '../../src/main/engine/backends/openBackend.ts';
import { DRAWS_BATCH } from '../../src/main/engine/smoothing/draws.ts';
import { planEngines } from '../../src/main/engine/process/enginePlan.ts';
import { checkAgreement } from '../agreement.ts';
import { BATCH, batchOf, referenceFile, referenceSettings } from '../batch.ts';
import { comparisonRows, COMPARISON_HEADER, type Goal } from '../comparison.ts';
import { conditionsOf } from '../conditions.ts';
import { publish } from '../document.ts';
import { PRESET, trainExperiment, type Experiment } from '../experiment.ts';
import { alternate, type Contestant, type Measured } from '../measure.ts';
import type { Options } from '../options.ts';
import { startReference, type Reference } from '../reference/client.ts';
import { findReference, HOW_TO_SET_UP } from '../reference/python.ts';
import { markdownTable, spread } from '../table.ts';
import { certify, UNCOUNTED, withHost, type Host } from '../works/certification.ts';
import { startPasses } from '../works/passes.ts';
import {
  attackStep,
  contestantOf,
  inBfloat16,
  inferenceStep,
  requireGraph,
  trainingStep,
  type BatchInputs,
  type Step,
} from '../works/steps.ts';

/** Instances of one repetition of a certification, beside those of each engine that are not counted. */
const INSTANCES = 6;
const INSTANCES_OF_OVERHEAD = 16;
/** Share of certification that may go into anything but the extractor. */
const OVERHEAD_GOAL = 0.1;

/** A work of ours and the reference's works that do the same, by their names in works.py. */
interface Work {
  readonly name: string;
  /** Units of the work in one repetition, ours and the reference's. */
  readonly calls: number;
  /** Opens our side; it is closed when the work has been measured. */
  readonly open: () => {
    readonly contestant: Contestant;
    /** Throws where what was measured is not what it is called. */
    readonly check: () => void;
    readonly close: () => void;
  };
  readonly rivals: Readonly<Record<string, string>>;
  readonly goals: readonly Goal[];
}

const CERTIFIERS: Readonly<Record<'float32' | 'bfloat16', Work['rivals']>> = {
  float32: {
    "Cohen et al.'s loop": 'certification loop',
    "Cohen et al.'s loop, torch.compile": 'certification loop, compiled',
    'ART RandomizedSmoothing': 'certification ART',
  },
  bfloat16: {
    "Cohen et al.'s loop": 'certification loop',
    "Cohen et al.'s loop, autocast": 'certification loop, autocast',
  },
};

interface Stand {
  readonly host: Host;
  readonly experiment: Experiment;
  readonly batch: BatchInputs;
  readonly reference: Reference | null;
  readonly options: Options;
}

/** Our engine and PyTorch on equal work, in turns; the table of docs/performance.md. */
export async function compare(options: Options): Promise<void> {
  const python = options.oursAlone ? null : findReference();
  if (python === null && !options.oursAlone) throw new Error(HOW_TO_SET_UP);
  const backend = await openBackend('tensorflow');
  refuseGpu(backend);
  await withHost(async (host) => {
    console.log(`Training the experiment (${PRESET}, six heads) …`);
    const experiment = await trainExperiment(host.engines, PRESET);
    const batch = batchOf(experiment, BATCH);
    await withReference({ python, experiment, batch, options }, async (reference) => {
      if (reference !== null) await tellAgreement(batch, reference);
      const stand = { host, experiment, batch, reference, options };
      const rows = await comparisonTable(stand);
      const overhead = await overheadTable(stand);
      const conditions = conditionsOf(backend, reference?.versions);
      publish('comparison', [conditions, ...rows, ...overhead].join('\n\n'), options);
    });
  });
}

/** The reference is made to run on the processor, so ours has to as well. */
function refuseGpu({ devices }: OpenBackend): void {
  if (!devices.some((device) => device.startsWith('GPU'))) return;
  throw new Error(
    'bench compare: compares processors, but TensorFlow uses a GPU: set CUDA_VISIBLE_DEVICES to nothing.',
  );
}

async function tellAgreement(batch: BatchInputs, reference: Reference): Promise<void> {
  const differences = Object.entries(await checkAgreement(batch, reference));
  const told = differences.map(([name, difference]) => `${name} ${difference.toExponential(1)}`).join(', ');
  console.log(`Both sides compute the same: relative differences ${told}.`);
}

/** Lends the reference with the experiment's weights loaded; null when ours runs alone. */
async function withReference(
  { python, experiment, batch, options }: Omit<Stand, 'host' | 'reference'> & { readonly python: string | null },
  body: (reference: Reference | null) => Promise<void>,
): Promise<void> {
  if (python === null) {
    await body(null);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'ptw-bench-'));
  const weights = join(folder, 'weights.safetensors');
  try {
    writeFileSync(weights, referenceFile(batch));
    const settings = referenceSettings(experiment, batch);
    const reference = await startReference({ python, threads: options.threads, weights, settings });
    try {
      await body(reference);
    } finally {
      await reference.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function comparisonTable(stand: Stand): Promise<string[]> {
  const { reference, options } = stand;
  const rows: string[][] = [];
  for (const { name, calls, open, rivals, goals } of worksOf(stand)) {
    if (!name.includes(options.only)) continue;
    console.log(`${name} …`);
    const { contestant, check, close } = open();
    const theirs = reference === null ? [] : Object.entries(rivals).map(rivalOf(reference, calls));
    try {
      const [ours, ...others] = await alternate([contestant, ...theirs], options.repetitions);
      check();
      rows.push(...comparisonRows({ work: name, ours, rivals: others, goals: reference === null ? [] : goals }));
    } finally {
      close();
    }
  }
  return rows.length === 0 ? [] : [markdownTable(COMPARISON_HEADER, rows)];
}

const rivalOf =
  (reference: Reference, calls: number) =>
  ([name, work]: [string, string]): Contestant => ({
    name,
    repeat: async () => (await reference.run(work, calls)) / calls,
  });

function worksOf({ host, experiment, batch }: Stand): Work[] {
  const ofStep =
    <Values>(step: () => Step<Values>, calls: number): Work['open'] =>
    () => {
      const opened = step();
      return {
        contestant: contestantOf({ name: 'ours', calls }, opened),
        check: () => requireGraph('our side', opened),
        close: opened.dispose,
      };
    };
  return [
    {
      name: 'training step, normal',
      calls: 4,
      open: ofStep(() => trainingStep(batch), 4),
      rivals: {
        'PyTorch eager': 'training step eager',
        'PyTorch eager, fused Adam': 'training step eager, fused Adam',
        'torch.compile': 'training step compiled',
      },
      goals: [{ atLeast: 1, against: ['PyTorch eager'] }],
    },
    {
      name: 'PGD step (input gradient)',
      calls: 5,
      open: ofStep(() => attackStep(batch), 5),
      rivals: { 'PyTorch eager': 'PGD step eager', 'torch.compile': 'PGD step compiled' },
      goals: [{ atLeast: 1, against: ['PyTorch eager'] }],
    },
    {
      name: 'extractor inference, float32',
      calls: 12,
      open: ofStep(() => inferenceStep(batch), 12),
      rivals: {
        'PyTorch eager': 'inference eager',
        'torch.compile': 'inference compiled',
        'torch.compile, frozen': 'inference compiled, frozen',
      },
      goals: [
        { atLeast: 1.4, against: ['PyTorch eager'] },
        { atLeast: 1, against: ['torch.compile', 'torch.compile, frozen'] },
      ],
    },
    {
      name: 'extractor inference, bfloat16',
      calls: 20,
      open: ofStep(() => inferenceStep(batch, inBfloat16), 20),
      rivals: {
        'PyTorch .bfloat16()': 'inference bfloat16 whole',
        'PyTorch autocast': 'inference bfloat16 autocast',
        'torch.compile .bfloat16()': 'inference bfloat16 whole, compiled',
        'torch.compile .bfloat16(), frozen': 'inference bfloat16 whole, compiled, frozen',
        'torch.compile autocast': 'inference bfloat16 autocast, compiled',
      },
      goals: [{ atLeast: 1.3, against: ['PyTorch .bfloat16()', 'PyTorch autocast'] }],
    },
    ...(['float32', 'bfloat16'] as const).map((precision): Work => ({
      name: `certification of an instance, ${precision}`,
      calls: INSTANCES,
      open: () => ({
        contestant: certifyingContestant(host, { experiment, precision, count: INSTANCES }),
        check: () => undefined,
        close: () => undefined,
      }),
      rivals: CERTIFIERS[precision],
      goals: [{ atLeast: 2, against: ["Cohen et al.'s loop"] }],
    })),
  ];
}

/** The next instances of the experiment in each repetition, with those around them that are not counted. */
function certifyingContestant(
  host: Host,
  { experiment, precision, count }: { experiment: Experiment; precision: Precision; count: number },
): Contestant {
  const { instances, heads } = experiment;
  let at = 0;
  return {
    name: 'ours',
    repeat: async () => {
      const next = Int32Array.from(
        { length: count + UNCOUNTED * host.engines.backend.engines },
        (_, i) => instances[(at + i) % instances.length],
      );
      at += count;
      return (await certify(host, { experiment, heads, precision, instances: next })).each;
    },
  };
}

/** What of certification is not the extractor: whole certifications against bare passes of as many rows, by as many processes with as many threads. */
async function overheadTable({ host, experiment, options }: Stand): Promise<string[]> {
  const name = 'outside the extractor';
  if (!name.includes(options.only)) return [];
  const { draws, selectionDraws } = experiment.config.certification;
  const passes = (Math.ceil(draws / DRAWS_BATCH) + Math.ceil(selectionDraws / DRAWS_BATCH)) * INSTANCES_OF_OVERHEAD;
  const { environments } = (await planEngines()).sharingOn(host.engines.backend);
  const rows: string[][] = [];
  for (const precision of ['float32', 'bfloat16'] as const) {
    console.log(`${name}, ${precision} …`);
    const batch = batchOf(experiment, DRAWS_BATCH);
    const bare = await startPasses({ batch, precision, passes, environments });
    const certifying = certifyingContestant(host, { experiment, precision, count: INSTANCES_OF_OVERHEAD });
    try {
      const [whole, pass] = await alternate([certifying, bare], options.repetitions);
      rows.push([precision, ...overheadCells(whole, pass, passes / INSTANCES_OF_OVERHEAD)]);
    } finally {
      bare.close();
    }
  }
  return [
    markdownTable(
      ['certification of an instance', 'whole, ms', 'its passes of the extractor alone, ms', 'outside', 'goal'],
      rows,
    ),
  ];
}

function overheadCells(whole: Measured, pass: Measured, passes: number): string[] {
  const extractor = {
    lower: pass.time.lower * passes,
    median: pass.time.median * passes,
    upper: pass.time.upper * passes,
  };
  const share = 1 - extractor.median / whole.time.median;
  const verdict = `< ${100 * OVERHEAD_GOAL} %: ${share < OVERHEAD_GOAL ? 'met' : 'missed'}`;
  return [spread(whole.time), spread(extractor), `${(100 * share).toFixed(1)} %`, verdict];
}
