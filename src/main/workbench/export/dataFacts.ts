import type { ImageShape } from '../../data/catalogue.ts';
import type { ChannelStatistics } from '../../data/normalisation.ts';
import { prepareTransfer, type Transfer } from '../../data/transfer.ts';
import { DOMAINS, type DatasetName, type Domain } from '../../../shared/config.ts';
import { BadInput } from '../errors.ts';
import { transferSpecOf } from '../runInProgress.ts';
import type { StoredRun } from '../storedRun.ts';

/** What a model's user must know of the images it was trained on. */
export interface DataFacts {
  /** Of the source's training split; the images of both domains are normalised by it (METHOD.md §5). */
  readonly statistics: ChannelStatistics;
  readonly domains: Readonly<Record<Domain, DomainFacts>>;
}

export interface DomainFacts {
  readonly dataset: DatasetName;
  readonly fingerprint: string;
  /** Of the images that the extractor is given. */
  readonly shape: ImageShape;
  /** [K], by label. */
  readonly classNames: readonly string[];
}

/**
 * Reads the run's images for what is known from them alone.
 * @throws DataError when they are not there, BadInput when they are not those that the run was made from
 */
export function dataFacts(run: Pick<StoredRun, 'run' | 'config' | 'stages'>): DataFacts {
  const transfer = prepareTransfer(transferSpecOf(run.config));
  for (const domain of DOMAINS) requireSameData(run, { domain, fingerprint: transfer[domain].fingerprint });
  return {
    statistics: transfer.statistics,
    domains: { source: domainFacts(transfer, 'source'), target: domainFacts(transfer, 'target') },
  };
}

function domainFacts(transfer: Transfer, domain: Domain): DomainFacts {
  const { dataset, fingerprint, test, classNames } = transfer[domain];
  return { dataset, fingerprint, shape: test.shape, classNames };
}

/** The keys of the stages that train are made from the files' fingerprints, among other things. */
function requireSameData(
  { run, config, stages }: Pick<StoredRun, 'run' | 'config' | 'stages'>,
  { domain, fingerprint }: { domain: Domain; fingerprint: string },
): void {
  const trained = stages.filter(({ kind }) => kind === 'extractor' || kind === 'head');
  const data = trained.map(({ inputs }) => (inputs as { data?: string }).data ?? '').join(' ');
  if (data.includes(JSON.stringify(fingerprint))) return;
  throw new BadInput(
    `export of run ${run.id}: the files of ${config[domain].dataset} got the fingerprint ${fingerprint}, expected those that ` +
      'the run was made from; point PTW_DATA_DIR and PTW_DATA at them',
  );
}
