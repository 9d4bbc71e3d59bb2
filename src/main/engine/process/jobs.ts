import { prepareTransfer, type Transfer } from '../../data/transfer.ts';
import type { ExperimentConfig } from '../../../shared/config.ts';
import { adversarialSearch } from '../attacks/adversarialSearch.ts';
import { noiseAttack } from '../attacks/noiseAttack.ts';
import { pgd } from '../attacks/pgd.ts';
import { predict } from '../attacks/predict.ts';
import type { StageContext } from '../context.ts';
import { disposeHead, freezeHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { disposeParameters } from '../models/parameters.ts';
import { freeze, type FrozenExtractor } from '../models/wideResNet.ts';
import { representationSize, WIDE_RES_NETS } from '../models/wideResNetShape.ts';
import { certifyInstances, drawInstances } from '../smoothing/certifyInstances.ts';
import { scoreHeads } from '../smoothing/scoreHeads.ts';
import { effectiveTraining } from '../training/effectiveTraining.ts';
import { usualKeeping } from '../training/headBanks.ts';
import { trainExtractor } from '../training/trainExtractor.ts';
import { trainHeads } from '../training/trainHeads.ts';
import { describeTransfer } from './describeTransfer.ts';
import type { Job, JobEvent, TransferSpec } from './protocol.ts';

export interface JobContext extends StageContext {
  event(event: JobEvent): void;
}

let prepared: { readonly key: string; readonly transfer: Transfer } | null = null;

/** Reading a transfer again costs seconds and every job of a run has the same one, so the last is kept. */
function transferOf(spec: TransferSpec): Transfer {
  const key = JSON.stringify(spec);
  if (prepared?.key !== key) prepared = { key, transfer: prepareTransfer(spec) };
  return prepared.transfer;
}

/** Runs one job on the backend that is open; its results leave as events. */
export async function runJob(job: Job, context: JobContext): Promise<void> {
  const transfer = transferOf(job.transfer);
  switch (job.kind) {
    case 'describe':
      context.event({ kind: 'description', description: describeTransfer(transfer, job) });
      return;
    case 'train-extractor':
      await trainExtractorJob(job, transfer, context);
      return;
    case 'train-heads':
      await withExtractor(job, (extractor) => trainHeadsJob(job, { transfer, extractor, context }));
      return;
    case 'predict':
      await withExtractor(job, (extractor) => predictJob(job, { transfer, extractor, context }));
      return;
    case 'noise-attack':
      await withExtractor(job, (extractor) => noiseAttackJob(job, { transfer, extractor, context }));
      return;
    case 'pgd':
      await withExtractor(job, (extractor) => pgdJob(job, { transfer, extractor, context }));
      return;
    case 'adversarial-search':
      await withExtractor(job, (extractor) => adversarialSearchJob(job, { transfer, extractor, context }));
      return;
    case 'certify':
      await withExtractor(job, (extractor) => certifyInstances(job, { transfer, extractor, context }));
      return;
    case 'score-heads':
      await withExtractor(job, (extractor) => scoreHeadsJob(job, { transfer, extractor, context }));
      return;
    case 'draw':
      await withExtractor(job, (extractor) => drawInstances(job, { transfer, extractor, context }));
      return;
  }
}

interface OnDevice {
  readonly transfer: Transfer;
  readonly extractor: FrozenExtractor;
  readonly context: JobContext;
}
type JobOf<Kind extends Job['kind']> = Extract<Job, { kind: Kind }>;

async function withExtractor(
  { config, extractor, kind }: Exclude<Job, JobOf<'describe' | 'train-extractor'>>,
  body: (frozen: FrozenExtractor) => Promise<void>,
): Promise<void> {
  // Heads are trained on the extractor as it was trained; what evaluates them is the model that the run is about.
  const precision = kind === 'train-heads' ? 'float32' : config.precision;
  const frozen = freeze(WIDE_RES_NETS[config.extractor.preset], extractor, precision);
  try {
    await body(frozen);
  } finally {
    disposeParameters(frozen.parameters);
  }
}

const shapeOf = (config: ExperimentConfig, spec: HeadShape['spec'], classes: number): HeadShape => ({
  spec,
  inputs: representationSize(WIDE_RES_NETS[config.extractor.preset]),
  classes,
});

async function trainExtractorJob(
  job: JobOf<'train-extractor'>,
  transfer: Transfer,
  context: JobContext,
): Promise<void> {
  const { config } = job;
  const { extractor, head } = await trainExtractor(
    {
      net: WIDE_RES_NETS[config.extractor.preset],
      head: shapeOf(config, config.extractor.head, transfer.source.train.classes),
      training: transfer.source.train,
      validation: transfer.source.validation,
      settings: effectiveTraining(config.training.source, config.certification),
      seed: config.seed,
      checkpoint: job.checkpoint,
    },
    {
      ...context,
      epoch: (report, checkpoint) => context.event({ kind: 'epoch', head: null, report, checkpoint }),
    },
  );
  context.event({ kind: 'extractor', extractor, head });
}

async function trainHeadsJob(job: JobOf<'train-heads'>, { transfer, extractor, context }: OnDevice): Promise<void> {
  const { train, validation } = transfer[job.domain];
  const idOf = (head: number): string => job.heads[head].id;
  await trainHeads(
    {
      domain: job.domain,
      extractor,
      heads: job.heads.map(({ spec, checkpoint }) => ({ shape: shapeOf(job.config, spec, train.classes), checkpoint })),
      training: train,
      validation,
      settings: effectiveTraining(job.config.training.heads, job.config.certification),
      seed: job.config.seed,
      smoothing: job.config.certification,
    },
    {
      ...context,
      epoch: (head, report, checkpoint) => context.event({ kind: 'epoch', head: idOf(head), report, checkpoint }),
      finished: (head, weights) => context.event({ kind: 'head', head: idOf(head), weights }),
    },
  );
}

async function scoreHeadsJob(job: JobOf<'score-heads'>, { transfer, extractor, context }: OnDevice): Promise<void> {
  const { headSearch, certification, seed, precision } = job.config;
  if (headSearch === undefined) throw new Error('internal: score-heads: the config has no headSearch');
  await scoreHeads(
    {
      ...{ extractor, heads: job.heads, domain: job.domain, seed, precision },
      // Choosing on the validation part: the test part does not come here at all.
      validation: transfer[job.domain].validation,
      search: headSearch,
      certification,
      keeping: usualKeeping(),
    },
    { ...context, scored: (head, score) => context.event({ kind: 'head-score', head, score }) },
  );
}

async function predictJob(job: JobOf<'predict'>, { transfer, extractor, context }: OnDevice): Promise<void> {
  const heads = job.heads.map(({ weights }) => freezeHead(weights));
  try {
    await predict(
      { extractor, heads, set: transfer[job.domain].test, indices: job.indices },
      {
        ...context,
        predicted: (head, records) => context.event({ kind: 'predictions', head: job.heads[head].id, records }),
      },
    );
  } finally {
    heads.forEach(disposeHead);
  }
}

async function noiseAttackJob(job: JobOf<'noise-attack'>, { transfer, extractor, context }: OnDevice): Promise<void> {
  const heads = Object.fromEntries(job.heads.map(({ id, weights }) => [id, freezeHead(weights)]));
  try {
    await noiseAttack(
      {
        extractor,
        heads,
        set: transfer[job.domain].test,
        instances: job.instances,
        settings: job.config.noiseAttack,
        domain: job.domain,
        seed: job.config.seed,
      },
      { ...context, attacked: (head, record) => context.event({ kind: 'noise-attack', head, records: [record] }) },
    );
  } finally {
    Object.values(heads).forEach(disposeHead);
  }
}

async function pgdJob(job: JobOf<'pgd'>, { transfer, extractor, context }: OnDevice): Promise<void> {
  const head = freezeHead(job.head.weights);
  try {
    await pgd(
      {
        extractor,
        head,
        set: transfer[job.domain].test,
        indices: job.indices,
        settings: job.config.pgd,
        domain: job.domain,
        seed: job.config.seed,
      },
      {
        ...context,
        attacked: (records) => context.event({ kind: 'pgd', head: job.head.id, records }),
      },
    );
  } finally {
    disposeHead(head);
  }
}

async function adversarialSearchJob(
  job: JobOf<'adversarial-search'>,
  { transfer, extractor, context }: OnDevice,
): Promise<void> {
  const { id, weights } = job.head;
  await adversarialSearch(
    {
      extractor,
      weights,
      set: transfer[job.domain].test,
      indices: job.indices,
      settings: job.config.adversarialSearch,
    },
    { ...context, searched: (records) => context.event({ kind: 'adversarial-search', head: id, records }) },
  );
}
