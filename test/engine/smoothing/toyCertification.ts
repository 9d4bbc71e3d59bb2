import type { CertificationSettings, Domain, ExperimentConfigInput } from '../../../src/shared/config.ts';
import { experimentConfigSchema, METHODS, RULES } from '../../../src/shared/config.ts';
import type { CertificateRecord, HeadWeights } from '../../../src/shared/results.ts';
import type { Transfer, TransferDomain } from '../../../src/main/data/transfer.ts';
import { QUIET, type StageContext } from '../../../src/main/engine/context.ts';
import type { FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import type { Job, JobEvent } from '../../../src/main/engine/process/protocol.ts';
import { certifyInstances } from '../../../src/main/engine/smoothing/certifyInstances.ts';
import { toySet } from '../toySet.ts';

const NO_TRANSFER = {
  source: { dataset: 'fashion-mnist', trainingInstances: null },
  target: { dataset: 'mnist', trainingInstances: null, size: 'source' },
  seed: 0,
} as const;

function toyDomain(dataset: 'fashion-mnist' | 'mnist', seed: number): TransferDomain {
  const set = toySet(30, { seed });
  return {
    dataset,
    origin: 'bundled',
    fingerprint: '',
    trainingImages: 0,
    classNames: ['a', 'b', 'c'],
    train: set,
    validation: set,
    test: set,
  };
}

export const TOY_TRANSFER: Transfer = {
  source: toyDomain('fashion-mnist', 1),
  target: toyDomain('mnist', 2),
  statistics: { mean: Float64Array.of(0.3), deviation: Float64Array.of(0.25) },
};

/** Heads by name. */
export type ToyHeads = Readonly<Record<string, HeadWeights>>;

export interface ToyRequest {
  readonly extractor: FrozenExtractor;
  readonly heads: ToyHeads;
  /** Which heads each instance is certified under. */
  readonly instances: readonly { readonly datasetIndex: number; readonly heads: readonly string[] }[];
  readonly certification?: Partial<CertificationSettings>;
  readonly domain?: Domain;
  readonly seed?: number;
  readonly context?: Partial<StageContext>;
  readonly threads?: number;
  /** Hears the events beside. */
  readonly onEvent?: (event: JobEvent) => void;
}

/** Enough draws for a small box at the default α, few enough for a test. */
const SETTINGS: Partial<CertificationSettings> = {
  sigma: 0.25,
  draws: 120,
  selectionDraws: 30,
  alpha: 0.01,
  methods: [...METHODS],
  rules: [...RULES],
};

/** Certificates by head and dataset index: "head 7". */
export async function certifyToy(request: ToyRequest): Promise<Map<string, readonly CertificateRecord[]>> {
  const found = new Map<string, readonly CertificateRecord[]>();
  const config = experimentConfigSchema.parse({
    name: 'toy',
    seed: request.seed ?? 5,
    source: { dataset: 'fashion-mnist' },
    target: { dataset: 'mnist' },
    extractor: { preset: 'wrn-10-1' },
    training: {},
    heads: [{ layers: 1, constraint: 'none' }],
    certification: { ...SETTINGS, ...request.certification },
  } satisfies ExperimentConfigInput);
  const job: Extract<Job, { kind: 'certify' }> = {
    kind: 'certify',
    transfer: NO_TRANSFER,
    config,
    extractor: {},
    domain: request.domain ?? 'target',
    heads: Object.entries(request.heads).map(([id, weights]) => ({ id, weights })),
    instances: request.instances,
  };
  await certifyInstances(job, {
    transfer: TOY_TRANSFER,
    extractor: request.extractor,
    ...(request.threads === undefined ? {} : { threads: request.threads }),
    context: {
      ...QUIET,
      ...request.context,
      event: (event) => {
        request.onEvent?.(event);
        if (event.kind !== 'certificates') return;
        for (const { head, records } of event.certified) found.set(`${head} ${event.datasetIndex}`, records);
      },
    },
  });
  return found;
}
