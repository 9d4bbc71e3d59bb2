// `npm run check:memory` (Linux, minutes): the engine's peak memory over certificates of 100,000 draws, over certificates of
// 1,000 instances and over 10,000 training steps, each on the smallest net. Fails where it grows with their number.
import { readFileSync, writeFileSync } from 'node:fs';
import { startEngine, type Engine } from '../src/main/engine/process/client.ts';
import type { Job, JobEvent } from '../src/main/engine/process/protocol.ts';
import { initialExtractor } from '../src/main/engine/models/wideResNet.ts';
import { representationSize, WIDE_RES_NETS } from '../src/main/engine/models/wideResNetShape.ts';
import { fillStandardNormal, deriveKey } from '../src/main/math/philox.ts';
import { experimentConfigSchema, type ExperimentConfigInput } from '../src/shared/config.ts';
import type { HeadWeights } from '../src/shared/results.ts';

const NET = WIDE_RES_NETS['wrn-10-1'];
const CLASSES = 10;
const TRANSFER = {
  source: { dataset: 'fashion-mnist', trainingInstances: 400 },
  target: { dataset: 'mnist', trainingInstances: 400, size: 'source' },
  seed: 1,
} as const;

/** What is kept an instance or a step grows in every part; an allocator that takes more once in a while does not. */
const MEGABYTES_OF_GROWTH = 1;

/** Garbage would look like growth: left alone, V8 lets it reach another 100 MB in the course of 3,000 instances. */
const SMALL_HEAP = '--max-old-space-size=64 --max-semi-space-size=1';

interface Check {
  readonly title: string;
  readonly job: Job;
  /** Units of progress in a part, and parts before the measured ones. */
  readonly part: number;
  readonly warmUpParts: number;
}

function configOf(change: Partial<ExperimentConfigInput>): ReturnType<typeof experimentConfigSchema.parse> {
  return experimentConfigSchema.parse({
    name: 'memory',
    source: { dataset: 'fashion-mnist' },
    target: { dataset: 'mnist' },
    extractor: { preset: 'wrn-10-1' },
    training: {},
    heads: [{ layers: 1, constraint: 'none' }],
    ...change,
  });
}

function randomHead(): HeadWeights {
  const inputs = representationSize(NET);
  const weight = new Float32Array(inputs * CLASSES);
  fillStandardNormal(weight, deriveKey(1, 'head'), 0);
  const layers = [{ inputs, outputs: CLASSES, weight, bias: new Float32Array(CLASSES) }];
  return { constraint: 'none', bound: 1, groupSize: 2, layers };
}

function certification(instances: number, draws: number): Job {
  return {
    kind: 'certify',
    transfer: TRANSFER,
    config: configOf({ certification: { draws, selectionDraws: 100 } }),
    extractor: initialExtractor(NET, 1, 1),
    domain: 'target',
    heads: [{ id: 'head', weights: randomHead() }],
    instances: Array.from({ length: instances }, (_, i) => ({ datasetIndex: i % 1000, heads: ['head'] })),
  };
}

const CHECKS: readonly Check[] = [
  { title: '6 instances × 100,000 draws', job: certification(6, 100_000), part: 1, warmUpParts: 1 },
  { title: '1,000 instances × 100 draws', job: certification(1000, 100), part: 100, warmUpParts: 3 },
  {
    title: '10,000 training steps',
    job: {
      kind: 'train-extractor',
      transfer: TRANSFER,
      // 360 images in steps of 4, 90 an epoch.
      config: configOf({ training: { source: { batchSize: 4, maxEpochs: 112, patience: 1000 } } }),
      checkpoint: null,
    },
    part: 1000,
    warmUpParts: 2,
  },
];

/** Peak resident memory of a process since the last call, in MB. */
function takePeak(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  // 5 resets the peak.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

async function peaksOf(engine: Engine, { job, part }: Check): Promise<number[]> {
  const peaks: number[] = [];
  takePeak(engine.pid);
  await engine.run(job, (event: JobEvent) => {
    if (event.kind === 'progress' && event.done >= (peaks.length + 1) * part) peaks.push(takePeak(engine.pid));
  });
  return peaks;
}

let failed = false;
for (const check of CHECKS) {
  // A process each, so that one's peak does not hide another's.
  const engine = await startEngine({ ...process.env, NODE_OPTIONS: SMALL_HEAP });
  const started = performance.now();
  const peaks = await peaksOf(engine, check);
  await engine.close();
  const measured = peaks.slice(check.warmUpParts);
  const growths = measured.slice(1).map((peak, i) => peak - measured[i]);
  const grows = Math.min(...growths) > MEGABYTES_OF_GROWTH;
  failed ||= grows;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${check.title}, ${engine.backend.name}, ${seconds} s: peak MB ${peaks.map(Math.round).join(' ')}${grows ? ': GROWS' : ''}`,
  );
}
process.exit(failed ? 1 : 0);
